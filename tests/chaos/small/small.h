const char *small_version(void);
