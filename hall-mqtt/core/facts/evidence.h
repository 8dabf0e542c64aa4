/*
 * evidence: what is known of one server from its checks, its neighbour entry and its agent, and the
 * two facts that follow: is it alive, do all required checks pass. Gain is immediate, loss is
 * debounced: EVIDENCE_MISSES misses in a row. Pure.
 *
 * A sign of life is an answer by the server's own MAC: another machine on the same address is not
 * this server. So after a silence an answer counts once the neighbour verdict that follows it has
 * come (it may be "unknown"). On loopback the kernel answers for everyone: there only a check that
 * passes, or the agent, is a sign of life. An echo alone is none where anything else could speak:
 * network cards answer echoes for machines that sleep.
 */
#ifndef HALL_CORE_FACTS_EVIDENCE_H
#define HALL_CORE_FACTS_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/facts/fault.h"
#include "core/facts/macs.h"
#include "core/model.h"

enum { EVIDENCE_MISSES = 3 };

/* What one probe saw. */
enum probe_outcome {
    PROBE_PASS,    /* as required: echo, connection, expected status */
    PROBE_ANSWER,  /* the machine answered, but not as required: refused, unexpected status */
    PROBE_MISS,    /* nothing came back in time, or no route */
    PROBE_UNABLE,  /* this probe cannot be made here (ICMP not permitted): counts for nothing */
    PROBE_PENDING, /* the machine took the connection, its answer is still to come */
    PROBE_GONE, /* it had taken the connection, and acknowledges nothing on it any longer: as sure
                   as several misses */
};
enum { PROBE_OUTCOMES = 6 };

enum mac_verdict { MAC_UNKNOWN, MAC_MATCH, MAC_OTHER };

/* May a MAC that is not known yet be taken for the server's, where its site answers? */
enum mac_lesson {
    LEARN_NOTHING, /* it came up by itself: it may be anybody */
    LEARN_FIRST,   /* at the first look, while none is known */
    LEARN_WOKEN,   /* it was sent packets */
};

enum agent_word { AGENT_UNHEARD, AGENT_ONLINE, AGENT_SLEEPING, AGENT_OFFLINE };

struct check_state {
    bool known : 1; /* any outcome yet */
    bool passing : 1;
    bool alive : 1; /* answers, passing or not */
    bool unable : 1;
    bool pending : 1;   /* connected; its answer is still to come */
    bool overtaken : 1; /* and another check of the same page, which had its answers, has fallen
                           silent since */
    uint8_t misses;     /* answers missing in a row; stops at EVIDENCE_MISSES */
    uint8_t fails;      /* not passing in a row; stops at EVIDENCE_MISSES */
    uint8_t told;       /* the code of the fault that was logged; FAULT_NONE: none */
    uint16_t detail;    /* http: last status; else 0 */
    struct fault fault; /* why the last try did not pass; FAULT_NONE: it passed, or none yet */
};

struct evidence {
    enum mac_verdict mac;
    bool mac_heard; /* a verdict came since it last was silent: only then do answers count */
    uint8_t other_mac[MAC_SIZE]; /* with MAC_OTHER */
    uint8_t stranger[MAC_SIZE];  /* answered while nothing was to be learned */
    uint8_t first[MAC_SIZE];     /* was there at the first look: its site may answer later */
    bool mac_matched;            /* a MAC of the configuration has answered, by more than echoes */
    uint8_t doubts;  /* answers of another MAC in a row while it is up; it is believed late */
    int64_t doubted; /* boot clock, ms: the first of them */
    enum mac_lesson lesson;
    struct macs macs;
    enum agent_word agent;
    bool agent_outlived; /* it said nothing since silence was proven */
    bool agent_late;     /* nor for so long that it may be gone: nobody else may know that yet */
    bool goodbye;        /* its agent said that it sleeps; echoes alone say nothing since */
    int64_t agent_since; /* boot clock, ms */
    bool alive, passing; /* the two facts, after the last event */
    bool settled;        /* enough was seen to say "silent" */
    struct check_state checks[MODEL_CHECKS_MAX];
};

/* What an update changed, as edges. */
struct evidence_change {
    bool sign;    /* it became alive */
    bool silent;  /* it fell silent, or was found silent for the first time */
    bool pass;    /* all required checks came to pass */
    bool fail;    /* it is alive and a required check stopped passing */
    bool changed; /* anything a view shows */
};

void evidence_init(struct evidence *evidence);
/* As after a pass of everything: its silence must be proven again. For a server that was up when it
 * was last known. */
void evidence_assume_up(struct evidence *evidence, const struct model_server *server);
struct evidence_change evidence_probe(struct evidence *evidence, const struct model_server *server,
                                      unsigned check, enum probe_outcome outcome,
                                      struct fault fault, uint16_t detail);
/* What this check of a site said holds no more: it must pass anew. False: nothing changed. Not for
 * one that is required. */
bool evidence_forget(struct evidence *evidence, const struct model_server *server, unsigned check);
/* Its agent said goodbye, and it is not asked: that is taken for silence. */
void evidence_believe_silence(struct evidence *evidence, const struct model_server *server);
struct evidence_change evidence_neighbour(struct evidence *evidence,
                                          const struct model_server *server,
                                          enum mac_verdict verdict, const uint8_t mac[6],
                                          int64_t boot_ms);
/* Its agent reports the MACs of its interfaces: they are its own. */
struct evidence_change evidence_macs(struct evidence *evidence, const struct model_server *server,
                                     const uint8_t macs[][MAC_SIZE], size_t n);
/* Do two machines answer on its address by turns, by all that is known? */
bool evidence_is_disputed(const struct evidence *evidence, const struct model_server *server);
/* Another MAC answers on the address of one that is up: whether it is its own is not decided yet.
 */
bool evidence_doubts(const struct evidence *evidence);
struct evidence_change evidence_agent(struct evidence *evidence, const struct model_server *server,
                                      enum agent_word word, int64_t boot_ms);

/* It told something, whatever: what follows shows with what is weighed next. */
void evidence_hear_agent(struct evidence *evidence);
/* What it tells again and again is late. Its word goes on to count, but holds up no echoes: its
 * machine may be gone, and a broker that went with it says nothing of that. */
struct evidence_change evidence_miss_agent(struct evidence *evidence,
                                           const struct model_server *server);

/* After a reload with other checks: the agent's last word still holds, and it says no new one. What
 * follows from it shows with the next probe, or with the word again where there are none. */
void evidence_keep_agent(struct evidence *evidence, const struct model_server *server,
                         const struct evidence *was);

/* Does this site answer by its own check (or, where it has none, does the server pass)? */
bool evidence_site_answers(const struct evidence *evidence, const struct model_server *server,
                           int check);

/* Does something answer as it should: a site, another check, its agent? Until then a wake sends its
 * packets. An echo does where nothing else is required. */
bool evidence_answers(const struct evidence *evidence, const struct model_server *server);

/* Does the card answer echoes? Beside silence on all else it may do so for a machine that sleeps.
 */
bool evidence_echoes(const struct evidence *evidence, const struct model_server *server);

/* Hall stood still: what was counted and came to no conclusion is counted from the start, and no
 * answer is awaited. What was concluded holds until something new is seen. */
void evidence_count_afresh(struct evidence *evidence, int64_t boot_ms);

/* How long an answer that is still to come may take, ms, the longest of them; 0: none is. One that
 * has run out of its time before does not count. */
int64_t evidence_pending(const struct evidence *evidence, const struct model_server *server);

/* Does this check fail, beyond doubt? */
bool evidence_fails(const struct check_state *state);

const char *agent_word_name(enum agent_word word); /* "online" ...; AGENT_UNHEARD is NULL */

#endif
