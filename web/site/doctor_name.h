/*
 * doctor_name: how `hallctl doctor` names itself when it asks for a site through the proxy, as a
 * User-Agent, which every proxy hands on: "hall-doctor/TOKEN". The token is new each time, and
 * known to the doctor alone. Pure.
 */
#ifndef HALL_WEB_SITE_DOCTOR_NAME_H
#define HALL_WEB_SITE_DOCTOR_NAME_H

#define DOCTOR_NAME "hall-doctor/"

enum { DOCTOR_TOKEN_SIZE = 33 }; /* 32 hexadecimal digits in lower case, NUL */

/* The token; NULL: who asks is not the doctor. agent: NULL or a User-Agent. */
const char *doctor_name_token(const char *agent);

#endif
