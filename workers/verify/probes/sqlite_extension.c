/* The smallest extension of SQLite: a function of SQL. */
#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT1

static void answer(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_result_int(context, 42);
}

int sqlite3_extension_init(sqlite3 *database, char **problem, const sqlite3_api_routines *routines)
{
    (void)problem;
    SQLITE_EXTENSION_INIT2(routines);
    return sqlite3_create_function(database, "farm_answer", 0, SQLITE_UTF8, 0, answer, 0, 0);
}
