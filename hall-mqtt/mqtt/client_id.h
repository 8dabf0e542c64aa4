/*
 * client_id: the name of a connection at the broker. A broker ends a connection when another client
 * connects with the same id, even as another user, so an id must not be guessable; and a program
 * that starts again must take over the connection it left, before the broker publishes that one's
 * will. So an id is derived, slowly and one way, from the password and this machine: the same at
 * each start, and of no use to find either. 23 characters, which every broker takes. No state.
 */
#ifndef HALL_MQTT_CLIENT_ID_H
#define HALL_MQTT_CLIENT_ID_H

enum { CLIENT_ID_SIZE = 24 };

/* What tells one program of an installation from another. */
struct client_id_owner {
    const char *role; /* begins the id, before a dash: up to 8 letters */
    const char *name, *base_topic;
    const char *username, *password; /* or NULL */
};

/* Takes some milliseconds. Random where this machine has neither a password nor a machine id. */
void client_id_derive(const struct client_id_owner *owner, char ret_id[static CLIENT_ID_SIZE]);
/* Another one each time, for programs that leave nothing behind. */
void client_id_random(const char *role, char ret_id[static CLIENT_ID_SIZE]);

#endif
