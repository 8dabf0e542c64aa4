/* secret: what a password's hash accepts, and what it refuses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "secret/secret.h"
#include "unit.h"

static void test_hash_and_verify(void **state)
{
    static const char password[] = "gr\xc3\xbcn \xf0\x9f\x94\x91 and long enough";
    char hash[SECRET_HASH_SIZE], again[SECRET_HASH_SIZE];
    assert_int_equal(secret_hash_password(password, strlen(password), hash), 0);
    assert_int_equal(secret_hash_password(password, strlen(password), again), 0);
    assert_memory_equal(hash, "$argon2id$", 10);
    assert_string_not_equal(hash, again); /* salted */
    assert_true(secret_is_hash(hash));
    assert_int_equal(secret_hash_memory(hash), 19 * 1024);
    assert_int_equal(secret_verify_password(hash, password, strlen(password)), 0);
    assert_int_equal(secret_verify_password(hash, password, strlen(password) - 1), -EACCES);
    assert_int_equal(secret_verify_password(hash, "Grün", 5), -EACCES);
}

static void test_length(void **state)
{
    char hash[SECRET_HASH_SIZE] = "untouched";
    char *longest = malloc(SECRET_PASSWORD_MAX + 1);
    assert_non_null(longest);
    memset(longest, 'x', SECRET_PASSWORD_MAX + 1);
    assert_int_equal(secret_hash_password("", 0, hash), -EINVAL);
    assert_int_equal(secret_hash_password(longest, SECRET_PASSWORD_MAX + 1, hash), -EINVAL);
    assert_string_equal(hash, "untouched");
    assert_int_equal(secret_hash_password(longest, SECRET_PASSWORD_MAX, hash), 0);
    assert_int_equal(secret_verify_password(hash, longest, SECRET_PASSWORD_MAX), 0);
    assert_int_equal(secret_verify_password(hash, longest, SECRET_PASSWORD_MAX + 1), -EACCES);
    assert_int_equal(secret_verify_password(hash, "", 0), -EACCES);
    free(longest);
}

static void test_no_hash(void **state)
{
    static const char *const texts[] = {
        "",
        "password",
        "$argon2id$",
        "$argon2id$v=19$m=65536,t=2,p=1$",
        "$argon2id$v=19$m=4294967296,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=99999999999999999999999,t=2,p=1$c2FsdA$aGFzaA",
        "$6$rounds=5000$salt$hash",
    };
    char too_long[300];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_false(secret_is_hash(texts[i]));
        assert_int_equal(secret_verify_password(texts[i], "x", 1), -EACCES);
    }
    assert_false(secret_is_hash(too_long));
    assert_int_equal(secret_hash_memory(too_long), -EINVAL);
}

static void test_equal(void **state)
{
    assert_true(secret_equal("abc", 3, "abc", 3));
    assert_false(secret_equal("abc", 3, "abd", 3));
    assert_false(secret_equal("abc", 3, "ab", 2));
    assert_false(secret_equal("", 0, "a", 1));
    assert_true(secret_equal("", 0, "", 0));
}

static void test_random_and_digest(void **state)
{
    uint8_t a[SECRET_KEY_SIZE] = {0}, b[SECRET_KEY_SIZE] = {0};
    uint8_t digest[SECRET_DIGEST_SIZE], other[SECRET_DIGEST_SIZE];
    assert_int_equal(secret_random(a, sizeof a), 0);
    assert_int_equal(secret_random(b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    secret_digest(a, "token", 5, digest);
    secret_digest(a, "token", 5, other);
    assert_memory_equal(digest, other, sizeof digest);
    secret_digest(a, "taken", 5, other);
    assert_memory_not_equal(digest, other, sizeof digest);
    secret_digest(b, "token", 5, other);
    assert_memory_not_equal(digest, other, sizeof digest);
    secret_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        assert_int_equal(a[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_and_verify),   cmocka_unit_test(test_length),
        cmocka_unit_test(test_no_hash),           cmocka_unit_test(test_equal),
        cmocka_unit_test(test_random_and_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
