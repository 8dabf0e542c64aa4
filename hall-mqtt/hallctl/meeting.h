/*
 * meeting: what the verbs that talk to Hall have in common: where the broker is, the conversation,
 * the picture of what was heard. Each function returns -1 to go on, or the exit status, having said
 * on stderr what is wrong and what to do.
 */
#ifndef HALL_HALLCTL_MEETING_H
#define HALL_HALLCTL_MEETING_H

#include "hallctl/hallctl.h"
#include "hallctl/picture.h"
#include "hallctl/talk.h"

struct meeting {
    const struct call *call;
    struct settings settings;
    struct talk *talk;
    struct picture picture;
    /* Told of each message, after the picture took it; NULL: nobody asks. */
    void (*hear)(void *context, const struct topic *topic, const struct mqtt_message *message,
                 bool own);
    void *context;
};

/* What is to be read: of one server or project, or of all (id NULL). */
struct meeting_wish {
    enum topic_kind kind;
    const char *id;
};

int meeting_begin(struct meeting *meeting, const struct call *call);
void meeting_finish(struct meeting *meeting);

/* Reads these and Hall's own status, and looks whether Hall is there. */
int meeting_read(struct meeting *meeting, const struct meeting_wish *wishes, size_t n);
/* Is it a server (or project) that Hall has? */
int meeting_check_server(const struct meeting *meeting, const char *id);
int meeting_check_named(const struct meeting *meeting); /* all operands */
int meeting_check_project(const struct meeting *meeting, const char *id);
/* Says what a failed talk_* means. */
int meeting_failed(const struct meeting *meeting, int error);
/* Hall said goodbye, or the broker said it for it. */
bool meeting_is_over(const struct meeting *meeting);

/* Is there a terminal, and may it be coloured? Its width; 0: no terminal. */
bool meeting_is_bold(void);
size_t meeting_width(void);

#endif
