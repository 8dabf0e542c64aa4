/*
 * memory: gives back what only the start needed. The libraries Hall links (TLS, Kerberos, LDAP and
 * more behind libcurl) touch megabytes of code while they are loaded and never again.
 */
#ifndef HALL_BASE_MEMORY_H
#define HALL_BASE_MEMORY_H

#include <stdbool.h>

/*
 * Unmaps from this process the pages of code that it does not need at the moment (they come back
 * from the page cache when touched) and returns free heap. Needs no privilege; costs some page
 * faults. Read-only data stays: relocations were written there before it was protected, and no
 * emulator of a processor tells which pages have some. Other threads may run.
 */
void memory_trim(void);

#endif
