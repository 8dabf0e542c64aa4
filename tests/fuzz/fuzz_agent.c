/* What the agent reads: commands, its own file, the texts of /proc, the kernel's messages. The
 * first byte chooses. */
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bridges/agent/agent_commands.h"
#include "bridges/agent/config_agent.h"
#include "bridges/agent/watch/forwarded.h"
#include "bridges/agent/watch/link.h"
#include "bridges/agent/watch/proc.h"
#include "loop/sockets.h"
#include "say/say.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_command(const char *text, size_t length)
{
    struct agent_commands commands = {0};
    struct agent_command command;
    struct agent_command_name name;
    struct fact why;
    char reason[1024];
    for (unsigned turn = 0; turn < 2; turn++) {
        const int error =
            agent_commands_read(&commands, text, length, false, 0, 63, &command, &name, &why);
        if (error == 0 && (turn > 0 || command.id[0] == '\0'))
            abort(); /* run twice, or without an id */
        if (error < 0)
            say_fact_text(&why, NULL, (struct say_how){0}, reason, sizeof reason);
        if (error < 0 && (reason[0] == '\0' || text_has_control(reason) ||
                          !text_is_utf8(reason, strlen(reason))))
            abort(); /* a reason that cannot be shown */
    }
}

static void read_file(const char *text, size_t length)
{
    struct report report = {0};
    struct document_head *config =
        document_parse(&config_agent_document, "agent.json", text, length, &report);
    if ((config != NULL) != (report.first == NULL))
        abort(); /* refused without a word, or taken with a complaint */
    document_free(config);
    report_finish(&report);
}

static void read_proc(const char *text)
{
    struct proc_memory memory;
    struct proc_ticks ticks;
    struct proc_stat stat;
    struct proc_lock lock;
    char interface[IF_NAMESIZE], comm[PROC_COMM_SIZE], id[37];
    uint64_t bytes;
    int64_t seconds;
    double load;
    proc_read_memory(text, &memory);
    proc_read_ticks(text, &ticks);
    proc_read_stat(text, &stat);
    proc_read_lock(text, &lock);
    proc_read_default_interface(text, interface);
    proc_read_comm(text, comm);
    proc_read_boot_id(text, id);
    proc_read_traffic(text, NULL, &bytes);
    proc_read_traffic(text, "eth0", &bytes);
    proc_read_disks(text, &bytes);
    proc_read_uptime(text, &seconds);
    proc_read_load(text, &load);
}

/* The kernel is believed, but its messages are read as if it were not. */
static void read_netlink(const char *text, size_t length)
{
    struct tcp_socket socket;
    struct forwarded_flow flow;
    struct link link;
    sockets_read(text, length, &socket);
    forwarded_read(text, length, &flow);
    link_read(RTM_NEWLINK, text, length, &link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size > 0 ? malloc(size) : NULL;
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 'c')
        read_command(text, size - 1);
    else if (data[0] == 'f')
        read_file(text, size - 1);
    else if (data[0] == 'n')
        read_netlink(text, size - 1);
    else
        read_proc(text);
    free(text);
    return 0;
}
