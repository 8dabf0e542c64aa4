/*
 * language: which of the languages Hall speaks a visitor reads. Pure.
 */
#ifndef HALL_WEB_GATE_LANGUAGE_H
#define HALL_WEB_GATE_LANGUAGE_H

enum language { LANGUAGE_ENGLISH, LANGUAGE_FRENCH };
enum { LANGUAGES = 2 };

/* The best of Accept-Language (RFC 9110 12.5.4) that Hall speaks; English where none is, or with
 * NULL. */
enum language language_choose(const char *accept_language);

#endif
