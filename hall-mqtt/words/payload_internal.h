/*
 * payload_internal: what the parts of payload write with: a document, and how each kind of value
 * stands in it.
 */
#ifndef HALL_WORDS_PAYLOAD_INTERNAL_H
#define HALL_WORDS_PAYLOAD_INTERNAL_H

#include "base/json.h"
#include "words/payload.h"

enum { PAGE_KEY_SIZE = 40 };
#define PAGE_LOCALIZED "_localized"

struct page {
    const struct fleet *fleet;
    const struct model *model;
    enum say_language language; /* of the sentences beside the English ones */
    struct now now;
    struct json_writer json;
};

void page_begin(struct page *page, struct buf *out);
int page_end(struct page *page);

void page_put_bool(struct page *page, const char *key, bool known, bool value); /* else null */
void page_put_seconds(struct page *page, const char *key, int64_t ms);    /* null if negative */
void page_put_text(struct page *page, const char *key, const char *text); /* null if empty */
/* A boot-clock instant as wall time; null where there is none, or no end. */
void page_put_instant(struct page *page, const char *key, int64_t boot);
/* What is told to people: the sentence, in English, and beside it what it says. */
void page_put_told(struct page *page, const char *key, const struct told *told);
void page_put_fact(struct page *page, const char *key, const struct fact *fact);

const char *page_beside(const char *key, const char *suffix, char out[PAGE_KEY_SIZE]);

#endif
