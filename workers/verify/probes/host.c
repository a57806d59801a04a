/* A program that embeds Python and runs the script that its first argument names, as that Python would. */
#include <Python.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    int failed;
    if (file == NULL) {
        perror("host");
        return 2;
    }
    Py_Initialize();
    failed = PyRun_SimpleFile(file, argv[1]);
    fclose(file);
    Py_Finalize();
    return failed ? 1 : 0;
}
