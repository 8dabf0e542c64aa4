/* out_api: tells those who watch by the API what changed. Loop thread only. */
#ifndef HALL_HALL_OUT_API_H
#define HALL_HALL_OUT_API_H

#include "hall/describe.h"
#include "web/api/errand.h"

struct out_api {
    struct errands *errands;
    const struct describe *describe;
};

extern const struct outlet_ops out_api_outlet; /* context: a struct out_api */

#endif
