/* A plugin that embeds Python: what a host program, which knows nothing of Python, loads. */
#include <Python.h>
#include <stdio.h>

int run_script(const char *path)
{
    FILE *file = fopen(path, "rb");
    int failed;
    if (file == NULL) {
        perror("plugin");
        return 2;
    }
    Py_Initialize();
    failed = PyRun_SimpleFile(file, path);
    fclose(file);
    Py_Finalize();
    return failed ? 1 : 0;
}
