/* Answers what the build asks of an interpreter: what it was linked with, as JSON. */
#include <stdio.h>
#include <string.h>

const char *small_version(void) { return VERSION; }

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        printf("small %s\n", small_version());
    else
        puts("{\"openssl\": \"\", \"sqlite\": \"\"}");
    return 0;
}
