/* The smallest extension module that uses the interpreter's API. */
#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLong(42);
}

static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, "The answer."}, {NULL, NULL, 0, NULL}};

#if PY_MAJOR_VERSION < 3 /* another way to make modules */

PyMODINIT_FUNC initfarm_extension(void);

PyMODINIT_FUNC initfarm_extension(void)
{
    Py_InitModule("farm_extension", methods);
}

#else

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "farm_extension", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_farm_extension(void);

PyMODINIT_FUNC PyInit_farm_extension(void)
{
    PyObject *made = PyModule_Create(&module);
#ifdef Py_GIL_DISABLED /* it keeps no state, so nothing has to be locked for it */
    if (made != NULL) {
        PyUnstable_Module_SetGIL(made, Py_MOD_GIL_NOT_USED);
    }
#endif
    return made;
}

#endif
