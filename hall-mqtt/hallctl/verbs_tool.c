/* hallctl check, hash-password: small tools that need neither Hall nor a broker. */
#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/array.h"
#include "config/config.h"
#include "hallctl/hallctl.h"
#include "secret/secret.h"

enum { SHORT_PASSWORD = 8 };

/* ---- check ---- */

static int run_check(const struct call *call)
{
    struct call with = *call;
    struct config *config = NULL;

    if (call->n_operands > 0)
        call_give(&with, FLAG_CONFIG, call->operands[0]);
    const int status = hallctl_config(&with, places_config(), &config);
    if (status >= 0)
        return status;
    printf("%s: ok: %zu servers, %zu domains\n", config->file, config->model.n_servers,
           config->model.n_domains);
    config_free(config);
    return HALLCTL_OK;
}

/* ---- hash-password ---- */

struct typed {
    char text[SECRET_PASSWORD_MAX + 2]; /* one more tells that it is too long; NUL */
    size_t length;
};

/* One line, without its end. False: there is none. */
static bool read_line(FILE *in, struct typed *typed)
{
    int c;

    typed->length = 0;
    while ((c = fgetc(in)) != EOF && c != '\n')
        if (typed->length <= SECRET_PASSWORD_MAX)
            typed->text[typed->length++] = (char)c;
    if (typed->length > 0 && typed->text[typed->length - 1] == '\r')
        typed->length--;
    typed->text[typed->length] = '\0';
    return c != EOF || typed->length > 0;
}

/* From the terminal, without showing it. */
static bool ask(FILE *terminal, const char *words, struct typed *typed)
{
    struct termios before, silent;
    const int fd = fileno(terminal);

    if (tcgetattr(fd, &before) < 0)
        return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(fd, TCSAFLUSH, &silent) < 0)
        return false;
    fputs(words, terminal);
    fflush(terminal);
    const bool read = read_line(terminal, typed);
    tcsetattr(fd, TCSAFLUSH, &before);
    fputc('\n', terminal);
    return read;
}

static int complain(const char *why)
{
    fprintf(stderr, "hallctl hash-password: %s\n", why);
    return HALLCTL_ERROR;
}

static int ask_twice(struct typed *first)
{
    struct typed second;
    FILE *terminal = fopen("/dev/tty", "r+e");
    int status = -1;

    if (!terminal)
        return complain("there is no terminal to ask on; pipe the password in");
    if (!ask(terminal, "Password: ", first) || !ask(terminal, "Once more: ", &second))
        status = complain("nothing was typed");
    else if (!secret_equal(first->text, first->length, second.text, second.length))
        status = complain("the two are not the same; nothing was made of them");
    secret_wipe(&second, sizeof(second));
    (void)fclose(terminal);
    return status;
}

static int print_hash(const struct typed *typed)
{
    char hash[SECRET_HASH_SIZE];

    if (typed->length == 0)
        return complain("the password is empty");
    if (typed->length > SECRET_PASSWORD_MAX)
        return complain("the password is longer than 1024 bytes");
    if (memchr(typed->text, '\0', typed->length) || !text_is_utf8(typed->text, typed->length))
        return complain("the password is no UTF-8 text");
    if (typed->length < SHORT_PASSWORD)
        fputs("hallctl hash-password: that is a short one; take 8 characters or more\n", stderr);
    const int error = secret_hash_password(typed->text, typed->length, hash);
    if (error < 0)
        return complain(strerror(-error));
    puts(hash);
    return HALLCTL_OK;
}

static int run_hash_password(const struct call *call)
{
    struct typed typed = {0};
    int status = -1;

    (void)call;
    if (isatty(STDIN_FILENO))
        status = ask_twice(&typed);
    else if (!read_line(stdin, &typed))
        status = complain("nothing came in; echo it or type it");
    if (status < 0)
        status = print_hash(&typed);
    secret_wipe(&typed, sizeof(typed));
    return status;
}

static const struct verb verbs[] = {
    {.name = "check",
     .operands = "[FILE]",
     .summary = "checks a configuration and lists all errors",
     .flags = WITH(FLAG_CONFIG),
     .most = 1,
     .run = run_check,
     .detail = "FILE, or --config FILE; default " PLACE_CONFIG ".\n"},
    {.name = "hash-password",
     .operands = "",
     .summary = "hashes a password for HALL_ADMIN_PASSWORD_HASH",
     .run = run_hash_password,
     .detail = "Asks for it on the terminal without echo, or reads one line from a pipe.\n"
               "Add the output to the environment file: HALL_ADMIN_PASSWORD_HASH=...\n"},
};

const struct verb_family tool_family = {"Tools", verbs, ARRAY_SIZE(verbs)};
