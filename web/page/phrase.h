/*
 * phrase: what is said of a view, in its language: sentences of say/visitor.h, chosen and filled
 * in. Plain text; whoever puts it into HTML escapes it. Pure; output goes to the caller's buf.
 */
#ifndef HALL_WEB_PAGE_PHRASE_H
#define HALL_WEB_PAGE_PHRASE_H

#include "base/buf.h"
#include "say/visitor.h"
#include "web/gate/view.h"

enum say_language phrase_language(const struct view *view);
void phrase_headline(const struct view *view, struct buf *out);
void phrase_message(const struct view *view, struct buf *out);
void phrase_estimate(const struct view *view, struct buf *out); /* nothing where there is none */
void phrase_where(const struct view *view, struct buf *out);    /* domain and server */

/* Before the time at which a guard ends; WORDS: there is none to show. */
enum word phrase_when(const struct view *view);
/* On the button; WORDS: there is none. */
enum word phrase_button(const struct view *view);

enum word phrase_stage_word(int stage);                                 /* its name */
void phrase_stage(const struct view *view, int stage, struct buf *out); /* how far it is */

/* A few sentences for programs, in English. */
void phrase_all(const struct view *view, const struct fact *why_not, struct buf *out);

#endif
