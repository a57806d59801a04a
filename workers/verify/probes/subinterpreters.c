/* Two sub-interpreters that are alive at once, as mod_wsgi has one for each site: each imports what holds state. */
#include <Python.h>

static const char *CODE =
    "import sys, json, re, datetime, decimal, hashlib, ssl, sqlite3, socket, ctypes\n"
    "import xml.etree.ElementTree as tree\n"
    "assert tree.fromstring('<a><b/></a>')[0].tag == 'b'\n"
    "assert not hasattr(sys, 'farm_mark'), 'the other interpreter shows through'\n"
    "sys.farm_mark = 1\n"
    "sys.stdout.write('sub prefix=' + sys.prefix + '\\n')\n"
    "sys.stdout.flush()\n";

int main(void)
{
    PyThreadState *main_state, *sub[2];
    int i, failed = 0;
    Py_Initialize();
    main_state = PyThreadState_Get();
    for (i = 0; i < 2; i++) {
        sub[i] = Py_NewInterpreter();
        if (sub[i] == NULL)
            return 3;
        failed |= PyRun_SimpleString(CODE);
    }
    for (i = 0; i < 2; i++) {
        PyThreadState_Swap(sub[i]);
        failed |= PyRun_SimpleString("assert sys.farm_mark == 1\nassert decimal.Decimal('0.1') * 3 == decimal.Decimal('0.3')\n");
        Py_EndInterpreter(sub[i]);
    }
    PyThreadState_Swap(main_state);
    Py_Finalize();
    return failed ? 1 : 0;
}
