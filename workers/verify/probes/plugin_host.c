/* A host program that loads a plugin as hosts do, with RTLD_LOCAL. Arguments: plugin, script, and the name of libpython,
 * which is made global before the plugin is used when it is given. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    int (*run)(const char *);
    if (plugin == NULL || (run = (int (*)(const char *)) dlsym(plugin, "run_script")) == NULL
        || (argc > 3 && dlopen(argv[3], RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL) == NULL)) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    return run(argv[2]);
}
