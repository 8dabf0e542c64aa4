/*
 * memory: gives back what only the start needed. The libraries Hall links (TLS, Kerberos, LDAP and more behind
 * libcurl) touch megabytes of read-only file pages while they are loaded and never again.
 */
#ifndef HALL_BASE_MEMORY_H
#define HALL_BASE_MEMORY_H

/* Unmaps from this process the read-only, unmodified file pages (they come back from the page cache when touched) and returns
 * free heap. Needs no privilege; costs some page faults; harmless at any time. */
void memory_trim(void);

#endif
