/* A program that embeds Python and tells it nothing: it must find its standard library by itself. */
#include <Python.h>

int main(void)
{
    Py_Initialize();
    return PyRun_SimpleString(
        "import sys, encodings, math, hashlib\n"
        "print('prefix=' + sys.prefix, flush=True)\n") ? 1 : 0;
}
