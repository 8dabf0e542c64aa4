/* hallctl proxy-config: prints what a reverse proxy is to be told. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "bridges/proxy/proxy_config.h"
#include "config/config.h"
#include "hallctl/hallctl.h"

enum { ERRORS_LIMIT = 262144 };

struct arguments {
    const char *config;
    struct proxy_order order;
    bool fail_open, fail_closed;
};

void proxy_config_help(FILE *out)
{
    fputs(
        "Usage: hallctl proxy-config traefik|caddy|nginx [--config FILE] [--listen ADDRESS:PORT]\n"
        "                            [--fail-open | --fail-closed]\n"
        "Prints what the reverse proxy is to be told so that it asks Hall before each request:\n"
        "Traefik's dynamic configuration (as Hall serves it at /traefik/config), a Caddyfile, or "
        "a\n"
        "file for /etc/nginx/conf.d. docs/PROXIES.md says what to do with it.\n\n"
        "  --config FILE          by default domains.json\n"
        "  --listen ADDRESS:PORT  plain HTTP at this address (Caddy and nginx): behind another\n"
        "                         proxy, or to try it out\n"
        "  --fail-open            while Hall does not answer, visitors are let through; by "
        "default\n"
        "                         as /proxy/fail_open of the configuration says\n"
        "  --fail-closed          and the opposite\n\n"
        "Exit status: 0 done, 1 an error in FILE, 2 an error in the command line.\n",
        out);
}

static int refuse(const char *what, const char *found, const char *allowed)
{
    fprintf(stderr, "hallctl proxy-config: %s: found \"%.80s\"; allowed: %s\n", what, found,
            allowed);
    return HALLCTL_USAGE;
}

static bool is_endpoint(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon && colon > text && strspn(text, "0123456789.") == (size_t)(colon - text) &&
           strspn(colon + 1, "0123456789") == strlen(colon + 1) && colon[1] != '\0' &&
           strlen(colon + 1) <= 5;
}

/* -1 to go on, else the exit status. */
static int take_option(int option, struct arguments *ret)
{
    switch (option) {
    case 'c':
        ret->config = optarg;
        return -1;
    case 'l':
        ret->order.listen = optarg;
        return is_endpoint(optarg) ? -1
                                   : refuse("--listen", optarg, "ADDRESS:PORT, as 127.0.0.1:8080");
    case 'o':
        ret->fail_open = true;
        return -1;
    case 'f':
        ret->fail_closed = true;
        return -1;
    case 'h':
        proxy_config_help(stdout);
        return HALLCTL_OK;
    default:
        fputs("Try: hallctl help proxy-config\n", stderr);
        return HALLCTL_USAGE;
    }
}

static int read_arguments(int argc, char *argv[], struct arguments *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"listen", required_argument, NULL, 'l'},
        {"fail-open", no_argument, NULL, 'o'},    {"fail-closed", no_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        const int status = take_option(option, ret);

        if (status >= 0)
            return status;
    }
    if (ret->fail_open && ret->fail_closed)
        return refuse("--fail-open", "together with --fail-closed", "one of them");
    const char *kind = optind < argc ? argv[optind] : "";
    if (!proxy_kind_from_name(kind, &ret->order.kind))
        return refuse("proxy", kind, "traefik, caddy or nginx");
    return optind + 1 == argc ? -1 : refuse("argument", argv[optind + 1], "one proxy");
}

static int print(const struct config *config, struct arguments *arguments, struct buf *errors)
{
    struct buf text = BUF_INIT(PROXY_CONFIG_MAX);

    arguments->order.fail_open =
        arguments->fail_open || (config->proxy.fail_open && !arguments->fail_closed);
    int error = proxy_config_write(config, &arguments->order, &text, errors);
    if (error == 0)
        fputs(buf_text(&text), stdout);
    else if (error != -EINVAL)
        buf_printf(errors, "hallctl proxy-config: %s\n", strerror(-error));
    buf_finish(&text);
    return error;
}

int proxy_config_run(int argc, char *argv[])
{
    struct arguments arguments = {.config = "domains.json"};
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct config *config = NULL;
    int status = read_arguments(argc, argv, &arguments);

    if (status >= 0)
        return status;
    int error = config_load(arguments.config, &config, &errors);
    if (error == 0)
        error = print(config, &arguments, &errors);
    if (error < 0)
        fputs(buf_text(&errors), stderr);
    config_free(config);
    buf_finish(&errors);
    return error < 0 ? HALLCTL_ERROR : HALLCTL_OK;
}
