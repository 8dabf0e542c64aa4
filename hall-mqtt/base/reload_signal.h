/*
 * reload_signal: a reload by SIGHUP whose sender learns what came of it. The daemon leaves its
 * answer in a file of its runtime folder, which it replaces whole; the sender waits for one to a
 * reload that began after its signal. No broker is needed, and no socket.
 */
#ifndef HALL_BASE_RELOAD_SIGNAL_H
#define HALL_BASE_RELOAD_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The daemon: the reload that began then (clock_boot_ns) was refused for these reasons, a line
 * each, or done: NULL. Without $RUNTIME_DIRECTORY nothing is left. -errno.
 */
int reload_signal_answer(int64_t began, const char *why);

/*
 * The sender: has this process read its configuration, and says on stdout or stderr what came of
 * it, as `who`. True if it was done, or if the process has no runtime folder to answer in.
 */
bool reload_signal_send(const char *who, int64_t pid);

#endif
