/* What the waiting page says: each sentence in each language, with the same places. */
#include <string.h>

#include "base/text.h"
#include "say/visitor.h"
#include "unit.h"

static unsigned places(const char *sentence)
{
    unsigned n = 0;
    for (const char *at = sentence; (at = strchr(at, '%')); at++)
        n++;
    return n;
}

static void every_sentence_is_there_in_every_language(void **state)
{
    for (int word = 0; word < (int)WORDS; word++) {
        const char *english = visitor_word((enum word)word, SAY_ENGLISH);
        for (unsigned language = 0; language < SAY_LANGUAGES; language++) {
            const char *said = visitor_word((enum word)word, (enum say_language)language);
            assert_non_null(said);
            assert_true(said[0] != '\0' && text_is_utf8(said, strlen(said)));
            assert_null(strpbrk(said, "<>&\"'"));
            assert_int_equal(places(said), places(english));
            assert_in_range(places(said), 0, 1);
            assert_true(places(said) == 0 || strstr(said, "%s"));
        }
    }
    assert_null(visitor_word(WORDS, SAY_FRENCH));
}

static void assert_said(enum word word, enum say_language language, const char *filling,
                        const char *expected)
{
    struct buf out = BUF_INIT(1024);
    visitor_say(word, language, filling, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_finish(&out);
}

static void places_are_filled(void **state)
{
    assert_said(WORD_TITLE_WAKING, SAY_ENGLISH, "100 %s", "100 %s is waking up");
    assert_said(WORD_ON_SERVER, SAY_FRENCH, "erp", "sur le serveur «\u00a0erp\u00a0»");
    assert_said(WORD_START, SAY_FRENCH, "passed over", "Démarrer maintenant");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sentence_is_there_in_every_language),
        cmocka_unit_test(places_are_filled),
    };

    return cmocka_run_group_tests_name("visitor", tests, NULL, NULL);
}
