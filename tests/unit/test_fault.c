#include "core/fault.h"
#include "unit.h"

#include <string.h>

static void test_each_has_its_code_and_sentences(void **state)
{
    char english[FAULT_TEXT_SIZE], french[FAULT_TEXT_SIZE], other[FAULT_TEXT_SIZE];

    assert_null(fault_name(FAULT_NONE));
    assert_string_equal(fault_say((struct fault){0}, FAULT_ENGLISH, english), "");
    for (unsigned i = FAULT_NONE + 1; i < FAULTS; i++) {
        enum fault_code found = FAULT_NONE;

        assert_true(fault_from_name(fault_name((enum fault_code)i), &found));
        assert_int_equal(found, i);
        fault_say((struct fault){.code = (uint8_t)i}, FAULT_ENGLISH, english);
        fault_say((struct fault){.code = (uint8_t)i}, FAULT_FRENCH, french);
        assert_true(english[0] != '\0' && strcmp(english, french) != 0);
        assert_true(strlen(english) < FAULT_TEXT_SIZE - 1 && strlen(french) < FAULT_TEXT_SIZE - 1);
        for (unsigned j = FAULT_NONE + 1; j < i; j++)
            assert_string_not_equal(
                english, fault_say((struct fault){.code = (uint8_t)j}, FAULT_ENGLISH, other));
    }
}

static void test_numbers_are_told(void **state)
{
    char text[FAULT_TEXT_SIZE];

    assert_string_equal(
        fault_say((struct fault){.code = FAULT_SLOW, .number = 15}, FAULT_ENGLISH, text),
        "no answer within 15 s");
    assert_string_equal(
        fault_say((struct fault){.code = FAULT_STATUS, .number = 500}, FAULT_FRENCH, text),
        "il répond avec le statut 500");
}

static void test_unknown_names(void **state)
{
    enum fault_code code;

    assert_false(fault_from_name("", &code));
    assert_false(fault_from_name("certificate", &code));
    assert_true(fault_is_of_tls(FAULT_EXPIRED) && fault_is_of_tls(FAULT_CA_FILE));
    assert_false(fault_is_of_tls(FAULT_SLOW) || fault_is_of_tls(FAULT_NO_TLS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_code_and_sentences),
        cmocka_unit_test(test_numbers_are_told),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
