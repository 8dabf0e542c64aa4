/* enroll: the script and the line that a server is given, what is said meanwhile; and of the helper
 * the requests it takes and whom it gives what. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/json.h"
#include "hallctl/enroll/handing.h"
#include "hallctl/enroll/packages.h"
#include "hallctl/enroll/script.h"
#include "handout/items.h"
#include "say/say_enroll.h"
#include "unit.h"

#define TOKEN "abcdefghijklmnopqrstuvwxyzABC-_9"

enum { SCRIPT_LIMIT = 1 << 20 };

/* Everything that a shell could take for something else. */
static const char evil[] = "a'b\"c$(touch /tmp/x)`id`\\\n; rm -rf / #\t*?~!{1,2} %s \\n é'";

static void write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        const ssize_t n = write(fd, text, left);
        assert_true(n > 0);
        text += n;
        left -= (size_t)n;
    }
    close(fd);
}

/* What /bin/sh prints that runs it, in an empty folder, which stays empty. */
static char *shell(const char *script)
{
    char folder[] = "/tmp/hall-enroll-XXXXXX";
    static char text[65536];
    size_t length = 0;
    int in[2], out[2], status;
    ssize_t n;

    assert_non_null(mkdtemp(folder));
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(folder) < 0 || dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
            _exit(126);
        close(in[1]);
        close(out[0]);
        execl("/bin/sh", "sh", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    write_all(in[1], script);
    while ((n = read(out[0], text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)n;
    close(out[0]);
    text[length] = '\0';
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(rmdir(folder), 0); /* fails where the script made something */
    return text;
}

/* The head of a script: what it sets; the rest is the same for every server. */
static void behind_head(struct buf *script, const char *rest)
{
    const char *tail = strstr(script->text, "# What follows is the same for every server");

    assert_non_null(tail);
    script->length = (size_t)(tail - script->text);
    buf_puts(script, rest);
}

static void test_every_text_is_one_word(void **state)
{
    static const char *const texts[] = {evil, "", "'", "''", "-n", "\\", "$HOME", "a b"};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buf script = BUF_INIT(4096);
        buf_puts(&script, "printf '%s|' ");
        enroll_quote(texts[i], &script);
        buf_puts(&script, "\n");
        const char *text = shell(buf_text(&script));
        assert_int_equal(strlen(text), strlen(texts[i]) + 1);
        assert_memory_equal(text, texts[i], strlen(texts[i]));
        buf_finish(&script);
    }
}

static const struct enroll_package packages[] = {
    {.machine = "x86_64",
     .token = TOKEN,
     .sha256 = "aa",
     .bytes = (char *)"\0\1\2pack",
     .length = 7},
    {.machine = "armv7l", .token = TOKEN, .sha256 = "bb", .bytes = (char *)"xy", .length = 2},
};

static void test_the_words_of_a_script(void **state)
{
    const struct enroll_script script = {
        .machine = {.kind = &enroll_relay,
                    .id = evil,
                    .broker = evil,
                    .base_topic = evil,
                    .interface = evil,
                    .docker = true},
        .made = INT64_C(1234567890123),
        .ca = evil,
        .password = evil,
        .url = evil,
        .pin = "PIN=",
        .commit = TOKEN,
        .packages = packages,
        .n_packages = ARRAY_SIZE(packages),
    };
    struct buf text = BUF_INIT(SCRIPT_LIMIT), wanted = BUF_INIT(16384), config = BUF_INIT(16384);

    enroll_write_script(&script, &text);
    assert_int_equal(buf_error(&text), 0);
    /* The head alone, and then what it has set. */
    behind_head(&text,
                "printf '%s|' \"$hall_role\" \"$hall_program\" \"$hall_user\" \"$hall_id\" "
                "\"$hall_again\" \"$hall_made\" \"$hall_broker\" \"$hall_config\" \"$hall_wanted\" "
                "\"$hall_ca\" \"$hall_password\" \"$hall_docker\" \"$hall_url\" \"$hall_pin\" "
                "\"$hall_commit\" "
                "\"$hall_packages\"\n");
    enroll_write_config(&script.machine, &config);
    buf_printf(&wanted,
               "relay|hall-wol||%s|--relay "
               "%s|1234567890123|%s|%s|\"%s\"\n\"%s\"\n\"/etc/hall/"
               "ca.crt\"\n\"%s\"\n\"%s\"\n\"docker\"|%s|%s|yes|%s|"
               "sha256//PIN=|" TOKEN "|x86_64 " TOKEN " aa\narmv7l " TOKEN " bb|",
               evil, evil, evil, buf_text(&config), evil, evil, evil, evil, evil, evil, evil);
    const char *said = shell(text.text);
    assert_string_equal(said, buf_text(&wanted));
    buf_finish(&text);
    buf_finish(&wanted);
    buf_finish(&config);
}

static void test_what_is_carried(void **state)
{
    const struct enroll_script script = {
        .machine = {.kind = &enroll_relay, .id = "testing", .broker = "mqtts://hall.lan:8883"},
        .ca = "CA",
        .password = "pass",
        .packages = packages,
        .n_packages = ARRAY_SIZE(packages),
    };
    struct buf text = BUF_INIT(SCRIPT_LIMIT);

    enroll_write_script(&script, &text);
    behind_head(&text,
                "printf '%s.%s.' \"$hall_url\" \"$hall_commit\"\nhall_package x86_64 | od -An "
                "-tx1\nhall_package armv7l\n");
    const char *said = shell(text.text);
    assert_string_equal(said, ".. 00 01 02 70 61 63 6b\nxy");
    assert_null(strstr(text.text, TOKEN));
    buf_finish(&text);
}

static void test_base64_of_every_length(void **state)
{
    char bytes[200];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)('a' + i % 26);
    for (size_t length = 1; length < sizeof(bytes); length += 13) {
        const struct enroll_package one = {.machine = "x86_64", .bytes = bytes, .length = length};
        const struct enroll_script script = {
            .machine = {.kind = &enroll_agent, .id = "a", .broker = "b"},
            .ca = "",
            .password = "",
            .packages = &one,
            .n_packages = 1};
        struct buf text = BUF_INIT(SCRIPT_LIMIT);
        enroll_write_script(&script, &text);
        behind_head(&text, "hall_package x86_64\n");
        const char *said = shell(text.text);
        assert_int_equal(strlen(said), length);
        assert_memory_equal(said, bytes, length);
        buf_finish(&text);
    }
}

static void test_the_agent_is_told(void **state)
{
    const struct enroll_machine least = {
        .kind = &enroll_agent, .id = "testing", .broker = "mqtts://hall.lan:8883"};
    const struct enroll_machine most = {.kind = &enroll_agent,
                                        .id = "t",
                                        .broker = "mqtts://h",
                                        .base_topic = "home/hall",
                                        .interface = "eno1",
                                        .docker = true};
    struct buf text = BUF_INIT(4096);

    enroll_write_config(&least, &text);
    assert_string_equal(buf_text(&text),
                        "{\"id\":\"testing\",\"mqtt\":{\"url\":\"mqtts://hall.lan:8883\","
                        "\"ca\":\"/etc/hall/ca.crt\"}}\n");
    buf_clear(&text);
    enroll_write_config(&most, &text);
    assert_string_equal(buf_text(&text),
                        "{\"id\":\"t\",\"mqtt\":{\"url\":\"mqtts://h\",\"ca\":\"/etc/hall/ca.crt\","
                        "\"base_topic\":\"home/hall\"},\"interface\":\"eno1\",\"docker\":{}}\n");
    buf_finish(&text);
}

static void test_the_line_is_one_line(void **state)
{
    struct buf line = BUF_INIT(4096);

    enroll_write_line("https://192.168.1.2:8885", "PIN=", TOKEN, &line);
    assert_null(strpbrk(buf_text(&line), "\n!\t"));
    assert_int_equal(strncmp(buf_text(&line),
                             "sh -c 'u=https://192.168.1.2:8885/" TOKEN " p=sha256//PIN=; ", 70),
                     0);
    /* One pair of quotes around all of it: no shell takes anything in it for its own. */
    assert_ptr_equal(strchr(buf_text(&line) + 7, '\''), buf_text(&line) + line.length - 1);
    assert_non_null(strstr(buf_text(&line), "--pinnedpubkey $p $u"));
    assert_non_null(strstr(buf_text(&line), "--pinnedpubkey=$p $u"));
    buf_finish(&line);
}

static void test_certificates_alone(void **state)
{
#define BEGIN "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
    static const struct {
        const char *text;
        bool fine;
    } rows[] = {
        {BEGIN, true},
        {"subject=/CN=x\n" BEGIN BEGIN, true},
        {"", false},
        {"MII=", false},
        {BEGIN "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n", false},
        {"-----BEGIN EC PRIVATE KEY-----\n" BEGIN, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(enroll_is_certificates(rows[i].text, strlen(rows[i].text)), rows[i].fine);
    assert_false(enroll_is_certificates(BEGIN "\0x", sizeof(BEGIN "\0x") - 1));
}

/* ---- packages ---- */

static void put(const char *folder, const char *name, const char *text)
{
    char file[512];

    snprintf(file, sizeof(file), "%s/%s", folder, name);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void test_packages_of_a_folder(void **state)
{
    static const char *const names[] = {
        "hall-agent-0.9.0-linux-x86_64.tar.gz",   "hall-agent-0.10.0-linux-x86_64.tar.gz",
        "hall-agent-0.2.0-linux-x86_64.tar.gz",   "hall-agent-1.0-linux-armv7l.tar.gz",
        "hall-agent--linux-aarch64.tar.gz",       "hall-agent-1.0-linux-riscv64.tar.gz",
        "hall-agent-1.0-linux-x86_64.tar.gz.sig", "hall-wol-2.0-linux-x86_64.tar.gz",
    };
    char folder[] = "/tmp/hall-packages-XXXXXX", file[512];
    struct enroll_packages found;

    assert_non_null(mkdtemp(folder));
    assert_int_equal(enroll_packages_read(folder, "hall-agent", &found, file, sizeof(file)),
                     -ENOENT);
    assert_int_equal(enroll_packages_read("/nowhere", "hall-agent", &found, file, sizeof(file)),
                     -ENOENT);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        put(folder, names[i], i == 1 ? "abc" : "other");
    assert_int_equal(enroll_packages_read(folder, "hall-agent", &found, file, sizeof(file)), 0);
    assert_int_equal(found.n, 2);
    assert_string_equal(found.all[0].machine, "x86_64");
    assert_int_equal(found.all[0].length, 3);
    assert_string_equal(found.all[0].bytes, "abc");
    assert_string_equal(found.all[0].sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(found.all[1].machine, "armv7l");
    enroll_packages_finish(&found);
    assert_int_equal(enroll_packages_read(folder, "hall-wol", &found, file, sizeof(file)), 0);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.all[0].length, strlen("other"));
    enroll_packages_finish(&found);
    assert_int_equal(enroll_packages_read(folder, "hall-w", &found, file, sizeof(file)), -ENOENT);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(file, sizeof(file), "%s/%s", folder, names[i]);
        unlink(file);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* ---- the helper ---- */

static void test_tokens(void **state)
{
    char tokens[64][ENROLL_TOKEN_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
        assert_int_equal(enroll_token(tokens[i]), 0);
        assert_true(token_is(tokens[i], strlen(tokens[i])));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(tokens[i], tokens[k]);
    }
    assert_false(token_is(TOKEN "x", 33));
    assert_false(token_is(TOKEN, 31));
    assert_false(token_is("abcdefghijklmnopqrstuvwxyzABC-_/", 32));
}

static void test_requests(void **state)
{
#define LINE "GET /" TOKEN " HTTP/1.1\r\n"
    static const struct {
        const char *text;
        enum request_verdict verdict;
    } rows[] = {
        {"", REQUEST_PART},
        {"GET", REQUEST_PART},
        {"GET /" TOKEN, REQUEST_PART},
        {LINE, REQUEST_PART},
        {LINE "Host: x\r\n", REQUEST_PART},
        {LINE "\r\n", REQUEST_WHOLE},
        {LINE "Host: x\r\nA: b\r\n\r\n", REQUEST_WHOLE},
        {"GET /" TOKEN " HTTP/1.0\r\n\r\n", REQUEST_WHOLE},
        {"get /", REQUEST_BAD},
        {"HEAD /", REQUEST_BAD},
        {"GET //", REQUEST_BAD},
        {"GET /abc ", REQUEST_BAD},
        {"GET /" TOKEN "x", REQUEST_BAD},
        {"GET /" TOKEN "/ HTTP/1.1\r\n\r\n", REQUEST_BAD},
        {"GET /" TOKEN " HTTP/2\r\n\r\n", REQUEST_BAD},
        {"\r\n\r\n", REQUEST_BAD},
    };
    char token[TOKEN_LENGTH + 1], large[REQUEST_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(items_request(rows[i].text, strlen(rows[i].text), token), rows[i].verdict);
    items_request(LINE "\r\n", strlen(LINE) + 2, token);
    assert_string_equal(token, TOKEN);
    assert_int_equal(items_request("GET /\0", 6, token), REQUEST_BAD);
    memset(large, 'x', sizeof(large));
    memcpy(large, LINE, strlen(LINE));
    assert_int_equal(items_request(large, sizeof(large) - 1, token), REQUEST_PART);
    assert_int_equal(items_request(large, sizeof(large), token), REQUEST_BAD);
}

static void test_each_for_its_token(void **state)
{
    struct items items = {.n = 0};

    assert_int_equal(items_add(&items, "script", TOKEN, strdup("text"), 4), 0);
    assert_int_equal(items_add(&items, "commit", "xbcdefghijklmnopqrstuvwxyzABC-_9", NULL, 0), 0);
    assert_string_equal(items_find(&items, TOKEN)->name, "script");
    assert_string_equal(items_find(&items, "xbcdefghijklmnopqrstuvwxyzABC-_9")->name, "commit");
    assert_null(items_find(&items, "abcdefghijklmnopqrstuvwxyzABC-_8"));
    assert_int_equal(items_add(&items, "", TOKEN, strdup("x"), 1), -EINVAL);
    assert_int_equal(items_add(&items, "x", "short", strdup("x"), 1), -EINVAL);
    while (items.n < ITEMS_MAX)
        assert_int_equal(items_add(&items, "x", TOKEN, NULL, 0), 0);
    assert_int_equal(items_add(&items, "x", TOKEN, strdup("x"), 1), -EINVAL);
    items_finish(&items);
    assert_int_equal(items.n, 0);
    assert_null(items_find(&items, TOKEN));
}

/* ---- what is said ---- */

static void test_sentences(void **state)
{
    const char *const params[ENROLL_PARAMS] = {"testing", "192.168.1.20", "{1}"};
    struct buf text = BUF_INIT(4096);

    for (unsigned word = 0; word < ENROLL_WORDS; word++) {
        assert_int_equal(strncmp(say_enroll_name(word), "enroll.", 7), 0);
        for (unsigned language = 0; language < SAY_LANGUAGES; language++) {
            buf_clear(&text);
            say_enroll(word, language, params, &text);
            assert_true(text.length > 0);
        }
    }
    buf_clear(&text);
    say_enroll(ENROLL_FETCHED, SAY_FRENCH, params, &text);
    assert_string_equal(buf_text(&text), "testing\u00a0: récupéré par 192.168.1.20");
    buf_clear(&text);
    say_enroll(ENROLL_ELSEWHERE, SAY_ENGLISH, params, &text);
    assert_non_null(strstr(buf_text(&text), "in the configuration ({1})."));
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_text_is_one_word),
        cmocka_unit_test(test_the_words_of_a_script),
        cmocka_unit_test(test_what_is_carried),
        cmocka_unit_test(test_base64_of_every_length),
        cmocka_unit_test(test_the_agent_is_told),
        cmocka_unit_test(test_the_line_is_one_line),
        cmocka_unit_test(test_certificates_alone),
        cmocka_unit_test(test_packages_of_a_folder),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_each_for_its_token),
        cmocka_unit_test(test_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
