/*
 * ssh_words: what ssh is told and what it says, as plain words: the arguments of one call, and what
 * the lines on its stderr and its exit status mean. Pure.
 */
#ifndef HALL_REMOTE_SSH_WORDS_H
#define HALL_REMOTE_SSH_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model.h"

enum { SSH_WORDS_MAX = 64, SSH_TEXT_MAX = 8192, SSH_LINE_SIZE = 160 };

/* The arguments; those that are not the same for everyone are in text. */
struct ssh_words {
    const char *argv[SSH_WORDS_MAX + 1];
    size_t n;
    size_t used;
    char text[SSH_TEXT_MAX];
};

/* program: the path of ssh. address: dotted. False: a value is too long for it. */
bool ssh_words_make(struct ssh_words *words, const char *program, const struct model_ssh *ssh,
                    const char *address, const char *command);

/* What was heard of one call; zeroed at first. */
struct ssh_heard {
    bool logged_in;
    char first[SSH_LINE_SIZE]; /* of the command: the first line after the login */
    char last[SSH_LINE_SIZE];  /* of ssh: the last line before it */
};
/* True: this line says that the login has just succeeded. */
bool ssh_words_hear(struct ssh_heard *heard, const char *line);

enum ssh_end { SSH_ASKED, SSH_REFUSED };
/* status: of exit; -1 with a problem where it did not exit. A sentence for either end. */
enum ssh_end ssh_words_judge(const struct ssh_heard *heard, int status, const char *problem,
                             char *out, size_t size);

#endif
