/*
 * memory: gives back what only the start needed. The libraries Hall links (TLS, Kerberos, LDAP and
 * more behind libcurl) touch megabytes of read-only file pages while they are loaded and never
 * again.
 */
#ifndef HALL_BASE_MEMORY_H
#define HALL_BASE_MEMORY_H

#include <stdbool.h>

/*
 * Unmaps from this process the unmodified pages of code that it does not need at the moment (they
 * come back from the page cache when touched) and returns free heap. Needs no privilege; costs some
 * page faults. alone: no other thread exists yet, so no loader can be at work: then read-only data
 * goes too.
 */
void memory_trim(bool alone);

#endif
