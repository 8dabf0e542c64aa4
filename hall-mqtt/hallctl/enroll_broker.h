/*
 * enroll_broker: the broker on this machine, as an agent on another one reaches it, and the
 * passwords in it. Each function returns -1 to go on, or the exit status, having said on stderr
 * what is wrong and what to do.
 */
#ifndef HALL_HALLCTL_ENROLL_BROKER_H
#define HALL_HALLCTL_ENROLL_BROKER_H

#include "hallctl/hallctl.h"

enum { ENROLL_URL_SIZE = 320, ENROLL_PATH_SIZE = 512 };

struct enroll_broker {
    const struct call *call;
    const struct settings *hall;    /* how this machine reaches it */
    const char *folder;             /* "/etc/mosquitto" */
    char url[ENROLL_URL_SIZE];      /* how agents do: "mqtts://192.168.1.2:8883" */
    char host[ENROLL_URL_SIZE];     /* of it */
    char ca_file[ENROLL_PATH_SIZE]; /* its authority */
};

/* Where agents reach it: --url, else the name or address of the broker's certificate that suits
 * best; own: this machine's address on the way to the server. */
int enroll_broker_find(struct enroll_broker *broker, const char *own);

/* Connects there as this user. quiet: says nothing when it fails. */
int enroll_broker_try(const struct enroll_broker *broker, const char *user, const char *password,
                      bool quiet);

/* Makes the user, or gives it this password; the broker knows it when this returns. */
int enroll_broker_set(const struct enroll_broker *broker, const char *user, const char *password);

#endif
