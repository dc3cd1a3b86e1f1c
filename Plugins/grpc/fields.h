// The fields of a message as parameters and in JSON.
#pragma once

#include <google/protobuf/descriptor.h>
#include <jansson.h>

#include <string>
#include <vector>

#include "fault.h"
#include "request.h"

namespace spindle_grpc {

// A new JSON object from parameters, each read as its field's type wants it.
bool fields_build(json_t *&object, const google::protobuf::Descriptor &type, const std::vector<Field> &fields, Fault &fault);

// Refuses a member that is no field, with the nearest one that is.
bool fields_check(const json_t *value, const google::protobuf::Descriptor &type, const std::string &pointer, Fault &fault);

// Overwrites the texts in it.
void fields_wipe(json_t *value);

} // namespace spindle_grpc
