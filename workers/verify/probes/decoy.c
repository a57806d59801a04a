/* A library with the name of libpython: whatever loads it ends at once, and says so. */
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void trap(void)
{
    fputs("the decoy was loaded\n", stderr);
    _exit(97);
}
