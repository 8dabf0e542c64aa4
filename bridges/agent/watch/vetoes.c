#include "bridges/agent/watch/vetoes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

/* In the order in which people read them. */
const struct veto_check *const veto_checks[VETO_CHECKS] = {
    &veto_sessions, &veto_inhibitors, &veto_connections, &veto_processes, &veto_load,
    &veto_network,  &veto_disk,       &veto_command,     &veto_containers};

void veto(struct vetoes *vetoes, const char *format, ...)
{
    char line[VETO_SIZE * 2];
    va_list args;
    if (vetoes->n == VETOES_MAX) {
        vetoes->more++;
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    text_show(vetoes->list[vetoes->n++], VETO_SIZE, line, strlen(line));
}

void veto_more(struct vetoes *vetoes, const char *check, size_t more)
{
    if (more > 0)
        veto(vetoes, "%s: and %zu more", check, more);
}

char *veto_amount(double bytes, const char *unit, char *out, size_t size)
{
    static const char *const scales[] = {"B", "kB", "MB", "GB", "TB"};
    size_t scale = 0;
    while (bytes >= 1000 && scale + 1 < ARRAY_SIZE(scales)) {
        bytes /= 1000;
        scale++;
    }
    snprintf(out, size, scale == 0 || bytes >= 100 ? "%.0f %s%s" : "%.1f %s%s", bytes,
             scales[scale], unit);
    return out;
}

void veto_rate(struct vetoes *vetoes, const char *check, double rate, int64_t limit)
{
    char seen[24], allowed[24];
    if (rate >= (double)limit)
        veto(vetoes, "%s: %s, the limit is %s", check, veto_amount(rate, "/s", seen, sizeof(seen)),
             veto_amount((double)limit, "/s", allowed, sizeof(allowed)));
}

void vetoes_judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *ret_vetoes)
{
    ret_vetoes->n = ret_vetoes->more = 0;
    for (size_t i = 0; i < VETO_CHECKS; i++) {
        const struct veto_check *check = veto_checks[i];
        const char *problem = check->problem > 0 ? (const char *)sample + check->problem : "";
        if (check->counts && !check->counts(config))
            continue;
        if (problem[0] != '\0')
            veto(ret_vetoes, "%s: not known: %s", check->name, problem);
        else
            check->judge(config, sample, ret_vetoes);
    }
}
