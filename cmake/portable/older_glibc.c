/* What the static libraries of a newer glibc ask for and older ones do not have, said with what
 * they have. Only for portable builds; with a glibc that has these names nothing else uses them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENTROPY_MAX = 256 }; /* of one getentropy() */

void arc4random_buf(void *bytes, size_t length);
long __isoc23_strtol(const char *text, char **end, int base);
unsigned long __isoc23_strtoul(const char *text, char **end, int base);
long long __isoc23_strtoll(const char *text, char **end, int base);
unsigned long long __isoc23_strtoull(const char *text, char **end, int base);
int __isoc23_sscanf(const char *text, const char *format, ...);

/* glibc 2.36. It may not fail. */
void arc4random_buf(void *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += ENTROPY_MAX)
        if (getentropy((char *)bytes + at, length - at < ENTROPY_MAX ? length - at : ENTROPY_MAX))
            abort();
}

/* glibc 2.38. */
long __isoc23_strtol(const char *text, char **end, int base)
{
    return strtol(text, end, base);
}

unsigned long __isoc23_strtoul(const char *text, char **end, int base)
{
    return strtoul(text, end, base);
}

long long __isoc23_strtoll(const char *text, char **end, int base)
{
    return strtoll(text, end, base);
}

unsigned long long __isoc23_strtoull(const char *text, char **end, int base)
{
    return strtoull(text, end, base);
}

int __isoc23_sscanf(const char *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsscanf(text, format, args); /* NOLINT(cert-err34-c): as the caller asks */
    va_end(args);
    return n;
}
