/*
 * kept_notice: a notice as the board keeps it, small: most servers have no problem, and few have
 * anything to say of why they are awake. Who shares one sees to it that none reads while another
 * writes. Pure.
 */
#ifndef HALL_WEB_BOARD_KEPT_NOTICE_H
#define HALL_WEB_BOARD_KEPT_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

#include "web/board/board.h"

enum { NOTICE_FIXED = offsetof(struct notice, why) };

struct kept_notice {
    char *why;                                                 /* NULL: nothing */
    struct fact *problem;                                      /* NULL: none */
    _Alignas(struct notice) unsigned char fixed[NOTICE_FIXED]; /* all but these */
};

void kept_notice_read(const struct kept_notice *kept, struct notice *ret_notice);
/* Without memory why and the problem go untold. */
void kept_notice_set(struct kept_notice *kept, const struct notice *notice);
void kept_notice_clear(struct kept_notice *kept);

/* Would a waiting page show it? Why the server is awake is for programs, and changes with each
 * visit. */
bool notice_is_news(const struct notice *old, const struct notice *new);

#endif
