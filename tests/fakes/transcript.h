/*
 * transcript: what the fakes of a test were asked to do, in order, as words: "say sleeping; look;".
 * A test compares the whole of it, so that nothing that was done goes unnoticed.
 */
#ifndef HALL_TESTS_FAKES_TRANSCRIPT_H
#define HALL_TESTS_FAKES_TRANSCRIPT_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char transcript[4096];

__attribute__((format(printf, 1, 2))) static inline void transcribe(const char *format, ...)
{
    const size_t used = strlen(transcript);
    va_list args;
    va_start(args, format);
    vsnprintf(transcript + used, sizeof(transcript) - used, format, args);
    va_end(args);
}

/* Compares, and begins a new one. */
#define assert_transcript(words)                                                                   \
    do {                                                                                           \
        assert_string_equal(transcript, words);                                                    \
        transcript[0] = '\0';                                                                      \
    } while (0)

#endif
