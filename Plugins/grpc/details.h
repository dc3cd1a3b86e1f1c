// The details of a status: a google.rpc.Status in grpc-status-details-bin.
#pragma once

#include <jansson.h>

#include <string>

#include "descriptors.h"

namespace spindle_grpc {

// The details as a JSON array, new; empty if there are none or they are damaged. A detail of a type that neither
// google.rpc nor `schema` (may be NULL) has is there with its bytes in base64.
json_t *details_json(const std::string &bytes, const Schema *schema);

// Of a google.rpc.RetryInfo; -1 without one.
int64_t details_retry_delay_ms(const std::string &bytes);

} // namespace spindle_grpc
