/* A program that embeds Python and tells it nothing: it must find its standard library by itself. */
#include <Python.h>

int main(void)
{
    Py_Initialize();
    return PyRun_SimpleString(
        "import sys, encodings, math, hashlib\n"
        "sys.stdout.write('prefix=' + sys.prefix + '\\n')\n"
        "sys.stdout.flush()\n") ? 1 : 0;
}
