/*
 * curl_loop: libcurl's multi interface on an sd-event loop. The owners of transfers make them, with
 * the owner's own pointer as CURLOPT_PRIVATE; this engine moves them and tells when one is over.
 * Handles are passed as void, so that only who sets a transfer's options knows libcurl. Loop thread
 * only.
 */
#ifndef HALL_LOOP_CURL_LOOP_H
#define HALL_LOOP_CURL_LOOP_H

#include <stdbool.h>
#include <systemd/sd-event.h>

struct curl_loop;

/* A transfer is over: its CURLOPT_PRIVATE and CURLcode. It may be removed from within. */
typedef void curl_loop_done(void *transfer, int result);

/* tls: whether any transfer may want it; setting it up costs memory. -ENOMEM, -errno of sd-event.
 */
int curl_loop_create(sd_event *loop, bool tls, curl_loop_done *done, struct curl_loop **ret_loop);
/* All transfers must have been removed. */
void curl_loop_destroy(struct curl_loop *loop);

/* Begins a transfer; nothing is called back from within. -ENOMEM. */
int curl_loop_add(struct curl_loop *loop, void *easy);
/* Over or not; frees nothing of the handle. */
void curl_loop_remove(struct curl_loop *loop, void *easy);

#endif
