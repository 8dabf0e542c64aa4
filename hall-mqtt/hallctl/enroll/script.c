#include "hallctl/enroll/script.h"

#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/version.h"
#include "hallctl/enroll_sh.h"

#define CA_FILE "/etc/hall/ca.crt"

enum { BASE64_LINE = 57 }; /* bytes of a line of 76 characters */

const struct enroll_kind enroll_agent = {
    .role = "agent", .program = "hall-agent", .user = "hall-agent", .option = ""};
const struct enroll_kind enroll_relay = {
    .role = "relay", .program = "hall-wol", .user = "", .option = "--relay "};

void enroll_quote(const char *text, struct buf *out)
{
    buf_putc(out, '\'');
    for (; *text != '\0'; text++)
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *text);
    buf_putc(out, '\'');
}

bool enroll_is_certificates(const char *text, size_t length)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    const char *at = text;

    if (memchr(text, '\0', length) || !strstr(text, begin))
        return false;
    while ((at = strstr(at, "-----BEGIN "))) {
        if (strncmp(at, begin, sizeof(begin) - 1) != 0)
            return false;
        at += sizeof(begin) - 1;
    }
    return true;
}

void enroll_write_config(const struct enroll_machine *machine, struct buf *out)
{
    struct json_writer json;

    json_writer_init(&json, out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "id", machine->id);
    json_begin_object(&json, "mqtt");
    json_put_string(&json, "url", machine->broker);
    json_put_string(&json, "ca", CA_FILE);
    if (machine->base_topic)
        json_put_string(&json, "base_topic", machine->base_topic);
    json_end_object(&json);
    if (machine->interface)
        json_put_string(&json, "interface", machine->interface);
    if (machine->docker) {
        json_begin_object(&json, "docker");
        json_end_object(&json);
    }
    json_end_object(&json);
    buf_putc(out, '\n');
}

static void set(const char *name, const char *text, struct buf *out)
{
    buf_printf(out, "hall_%s=", name);
    enroll_quote(text, out);
    buf_putc(out, '\n');
}

/* What a file that is kept must have in it, one a line. */
static void write_wanted(const struct enroll_machine *machine, struct buf *out)
{
    const char *const values[] = {
        machine->id,         machine->broker,    CA_FILE,
        machine->base_topic, machine->interface, machine->docker ? "docker" : NULL};
    struct buf list = BUF_INIT(4096);

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        if (values[i])
            buf_printf(&list, "%s\"%s\"", i > 0 ? "\n" : "", values[i]);
    set("wanted", buf_text(&list), out);
    buf_finish(&list);
}

/* ---- packages ---- */

static void write_list(const struct enroll_script *script, struct buf *out)
{
    struct buf list = BUF_INIT(4096);

    for (size_t i = 0; i < script->n_packages; i++)
        buf_printf(&list, "%s%s %s %s", i > 0 ? "\n" : "", script->packages[i].machine,
                   script->url ? script->packages[i].token : "-", script->packages[i].sha256);
    set("packages", buf_text(&list), out);
    buf_finish(&list);
}

static void write_base64(const unsigned char *bytes, size_t length, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < length; i += 3) {
        const size_t n = length - i < 3 ? length - i : 3;
        const unsigned bits = (unsigned)bytes[i] << 16 | (n > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                              (n > 2 ? bytes[i + 2] : 0);
        char four[] = {digits[bits >> 18], digits[bits >> 12 & 63], '=', '='};

        if (n > 1)
            four[2] = digits[bits >> 6 & 63];
        if (n > 2)
            four[3] = digits[bits & 63];
        buf_add(out, four, sizeof(four));
        if ((i + 3) % BASE64_LINE == 0)
            buf_putc(out, '\n');
    }
    buf_putc(out, '\n');
}

/* The packages in the script itself. */
static void write_carried(const struct enroll_script *script, struct buf *out)
{
    buf_puts(out, "hall_package() {\n  case $1 in\n");
    for (size_t i = 0; i < script->n_packages; i++) {
        const struct enroll_package *package = &script->packages[i];

        buf_printf(out, "    %s) base64 -d <<'END' ;;\n", package->machine);
        write_base64((const unsigned char *)package->bytes, package->length, out);
        buf_puts(out, "END\n");
    }
    buf_puts(out, "  esac\n}\n");
}

/* ---- the script and the line ---- */

void enroll_write_script(const struct enroll_script *script, struct buf *out)
{
    const struct enroll_kind *kind = script->machine.kind;
    struct buf config = BUF_INIT(16384), pin = BUF_INIT(256), again = BUF_INIT(4096);

    enroll_write_config(&script->machine, &config);
    buf_printf(&pin, "sha256//%s", script->pin ? script->pin : "");
    buf_puts(out,
             "#!/bin/sh\n# Made by hallctl enroll (Hall " HALL_VERSION "). It holds a password: "
             "keep it from others, and delete it when it is done.\n");
    set("role", kind->role, out);
    set("program", kind->program, out);
    set("user", kind->user, out);
    set("version", HALL_VERSION, out);
    buf_printf(out, "hall_made=%lld\n", (long long)script->made);
    set("id", script->machine.id, out);
    buf_printf(&again, "%s%s", kind->option, script->machine.id);
    set("again", buf_text(&again), out);
    set("broker", script->machine.broker, out);
    set("config", buf_text(&config), out);
    write_wanted(&script->machine, out);
    set("ca", script->ca, out);
    set("password", script->password, out);
    set("docker", script->machine.docker ? "yes" : "no", out);
    set("url", script->url ? script->url : "", out);
    set("pin", buf_text(&pin), out);
    set("commit", script->url ? script->commit : "", out);
    write_list(script, out);
    if (!script->url)
        write_carried(script, out);
    buf_add(out, (const char *)enroll_sh, sizeof(enroll_sh) - 1);
    if (buf_error(&config) < 0)
        out->error = buf_error(&config);
    buf_finish(&config);
    buf_finish(&pin);
    buf_finish(&again);
}

/*
 * The script is kept in a variable until all of it is here: half a script is never run, and none of
 * it is in a command line or a file. sudo comes first: where it refuses, the token is not used up.
 */
void enroll_write_line(const char *url, const char *pin, const char *token, struct buf *out)
{
    buf_printf(
        out,
        "sh -c 'u=%s/%s p=sha256//%s; if [ $(id -u) = 0 ]; then r=; elif sudo sh -c :; then "
        "r=sudo; else echo \"Hall: run this as root, or as a user who may use sudo\" >&2; "
        "exit 1; fi; if command -v curl >/dev/null; then s=$(curl -qfsSk -m30 --noproxy \\* "
        "--pinnedpubkey $p $u); elif command -v wget >/dev/null; then s=$(wget --no-config -qO- "
        "-t1 -T30 --no-proxy --no-check-certificate --pinnedpubkey=$p $u); else echo "
        "\"Hall: install curl or wget, or use hallctl enroll --print\" >&2; exit 1; fi || { echo "
        "\"Hall: nothing was "
        "fetched from ${u%%/*}: check the firewall there, or run hallctl enroll there for a "
        "new line\" >&2; exit 1; }; printf \"%%s\\n\" \"$s\" | $r sh'",
        url, token, pin);
}
