/*
 * text: checks and small conversions on strings from outside. Pure; nothing here allocates.
 */
#ifndef HALL_BASE_TEXT_H
#define HALL_BASE_TEXT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLUG_MAX      64 /* characters of an id: [a-z0-9_-]{1,64} */
#define MAC_TEXT_SIZE 18 /* "aa:bb:cc:dd:ee:ff" and NUL */

/* RFC 3629: no surrogates, no overlong forms, no NUL. */
bool text_is_utf8(const char *bytes, size_t length);

/* Bytes of the first character; 0 where it is broken, NUL, or nothing is left. */
size_t text_utf8_step(const char *bytes, size_t length);

bool text_is_slug(const char *text);           /* [a-z0-9_-]{1,64} */
bool text_has_control(const char *text);       /* any byte < 0x20 or 0x7f */
bool text_equal(const char *a, const char *b); /* NULL equals only NULL */

/* Copies as much as fits, never cuts a UTF-8 sequence in two, always terminates. Returns target. */
char *text_copy(char *target, size_t size, const char *source);

/* Copies text so that a log line or an error can show it: control bytes and broken UTF-8 become
 * '?', cut with "..." */
char *text_show(char *target, size_t size, const char *bytes, size_t length);

int text_hex_digit(char c); /* its value, or -1 */

/* "aa:bb:cc:dd:ee:ff", also with '-', either case. -EINVAL. */
int text_parse_mac(const char *text, uint8_t ret_mac[6]);
char *text_format_mac(const uint8_t mac[6], char out[MAC_TEXT_SIZE]);

/* Dotted IPv4 only. -EINVAL. */
int text_parse_ipv4(const char *text, struct in_addr *ret_address);

/* "127.0.0.1:8880": dotted IPv4 and port 0-65535. -EINVAL. */
int text_parse_endpoint(const char *text, struct sockaddr_in *ret_address);

#endif
