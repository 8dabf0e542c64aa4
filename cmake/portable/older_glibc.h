/* Included before everything else in a portable build: the names of glibc 2.38's own strtol and
 * scanf, of C23, are left unused, since older versions do not have them. They differ in the prefix
 * 0b alone. */
#include <features.h>
#undef __GLIBC_USE_C2X_STRTOL
#define __GLIBC_USE_C2X_STRTOL 0
#undef __GLIBC_USE_C23_STRTOL
#define __GLIBC_USE_C23_STRTOL 0
