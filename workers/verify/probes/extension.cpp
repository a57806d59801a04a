/* The same in C++, with what only its standard library has. */
#include <Python.h>
#include <string>
#include <vector>

static int sum()
{
    std::vector<std::string> words = {"40", "2"};
    return std::stoi(words[0]) + std::stoi(words[1]);
}

#define PyLong_FromLong(number) PyLong_FromLong(sum())
#include "extension.c"
