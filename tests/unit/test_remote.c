#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "bridges/remote/ssh_words.h"
#include "unit.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"

static const struct model_ssh ssh = {
    .user = "hall", .port = 2222, .key = "/etc/hall/my keys/nas", .host_key = KEY};

static bool has(const struct ssh_words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->argv[i], word) == 0)
            return true;
    return false;
}

static void test_arguments(void **state)
{
    static const char known[] = "KnownHostsCommand=/bin/echo hall " KEY;
    static const char *const wanted[] = {
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=none",
        "GlobalKnownHostsFile=none",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "HostKeyAlias=hall",
        known,
        "IdentityFile=\"/etc/hall/my keys/nas\"",
    };
    struct ssh_words words;
    assert_true(
        ssh_words_make(&words, "/usr/bin/ssh", &ssh, "192.168.1.20", "systemctl suspend; x"));
    assert_string_equal(words.argv[0], "/usr/bin/ssh");
    assert_string_equal(words.argv[1], "-F");
    assert_string_equal(words.argv[2], "none");
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        assert_true(has(&words, wanted[i]));
    /* The last five are whom and what; nothing behind "--" is an option. */
    const char *const *tail = words.argv + words.n - 7;
    assert_string_equal(tail[0], "-p");
    assert_string_equal(tail[1], "2222");
    assert_string_equal(tail[2], "-l");
    assert_string_equal(tail[3], "hall");
    assert_string_equal(tail[4], "--");
    assert_string_equal(tail[5], "192.168.1.20");
    assert_string_equal(tail[6], "systemctl suspend; x");
    assert_null(words.argv[words.n]);
}

static void test_arguments_that_are_too_long(void **state)
{
    static char huge[SSH_TEXT_MAX + 1];
    struct ssh_words words;
    memset(huge, 'a', sizeof huge - 1);
    assert_false(ssh_words_make(&words, "/usr/bin/ssh", &ssh, "192.168.1.20", huge));
}

struct saying {
    const char *lines; /* joined by '\n' */
    int status;
    const char *problem;
    enum ssh_end end;
    const char *sentence;
};

static void hear_all(struct ssh_heard *heard, const char *lines)
{
    char line[256];
    for (const char *at = lines; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        ssh_words_hear(heard, line);
    }
}

#define LOGIN "Authenticated to 10.0.0.1 ([10.0.0.1]:22) using \"publickey\".\n"

static void test_what_an_end_means(void **state)
{
    static const struct saying sayings[] = {
        {LOGIN "Transferred: sent 1, received 2 bytes, in 0.1 seconds", 0, "", SSH_ASKED,
         "it was asked by ssh"},
        {LOGIN "Connection to 10.0.0.1 closed by remote host.", 255, "", SSH_ASKED,
         "it was asked by ssh, and the connection ended without an answer"},
        {LOGIN "Timeout, server 10.0.0.1 not responding.", 255, "", SSH_ASKED,
         "it was asked by ssh, and the connection ended without an answer"},
        {LOGIN, -1, "it took longer than 9 s", SSH_ASKED,
         "it was asked by ssh, and the connection ended without an answer"},
        {LOGIN "Failed to suspend: Access denied\nsecond\nTransferred: sent", 1, "", SSH_REFUSED,
         "the command by ssh failed with status 1: Failed to suspend: Access denied"},
        {LOGIN, 127, "", SSH_REFUSED, "the command by ssh failed with status 127"},
        {"Welcome to this server\nhall@10.0.0.1: Permission denied (publickey).", 255, "",
         SSH_REFUSED, "ssh did not log in: hall@10.0.0.1: Permission denied (publickey)."},
        {"@@@@@@@@@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key "
         "verification failed.",
         255, "", SSH_REFUSED, "ssh did not log in: Host key verification failed."},
        {"ssh: connect to host 10.0.0.1 port 22: No route to host", 255, "", SSH_REFUSED,
         "ssh did not log in: ssh: connect to host 10.0.0.1 port 22: No route to host"},
        {"", -1, "it took longer than 9 s", SSH_REFUSED,
         "ssh did not log in: it took longer than 9 s"},
        {"", 255, "", SSH_REFUSED, "ssh did not log in: it did not say why"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
        const struct saying *saying = &sayings[i];
        struct ssh_heard heard = {0};
        char sentence[256];
        hear_all(&heard, saying->lines);
        assert_int_equal(
            ssh_words_judge(&heard, saying->status, saying->problem, sentence, sizeof sentence),
            saying->end);
        assert_string_equal(sentence, saying->sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_arguments_that_are_too_long),
        cmocka_unit_test(test_what_an_end_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
