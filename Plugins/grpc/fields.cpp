#include "fields.h"

#include <string.h>

#include <algorithm>

namespace spindle_grpc {

using namespace google::protobuf;

namespace {

bool wrong(Fault &fault, const std::string &message, const std::string &pointer) {
    return refuse(fault, "grpc.message", message, pointer);
}

const FieldDescriptor *find(const Descriptor &type, const std::string &name) {
    const FieldDescriptor *field = type.FindFieldByName(name);
    if (field != nullptr) return field;
    for (int i = 0; i < type.field_count(); i++) {
        if (type.field(i)->json_name() == name) return type.field(i);
    }
    return nullptr;
}

std::vector<std::string> names_of(const Descriptor &type) {
    std::vector<std::string> names;
    for (int i = 0; i < type.field_count(); i++) names.push_back(type.field(i)->name());
    return names;
}

bool unknown(Fault &fault, const Descriptor &type, const std::string &name, std::vector<std::string> names,
             const std::string &pointer) {
    return wrong(fault, type.full_name() + " has no field \"" + name.substr(0, 100) + "\"" + suggestion(name, names), pointer);
}

// Whether JSON has a text for it, as for times and durations.
bool is_text_message(const Descriptor &type) {
    switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
    case Descriptor::WELLKNOWNTYPE_DURATION:
    case Descriptor::WELLKNOWNTYPE_FIELDMASK: return true;
    default: return false;
    }
}

// The field of a wrapper such as google.protobuf.Int64Value, which JSON has without its message; else NULL.
const FieldDescriptor *wrapped(const Descriptor &type) {
    switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE: return type.field(0);
    default: return nullptr;
    }
}

json_t *plain_text(const std::string &text) {
    return json_stringn(text.data(), text.size());
}

// NULL with the fault filled if the text is not what the field wants.
json_t *read_text(const FieldDescriptor &field, const Field &given, Fault &fault) {
    const std::string pointer = pointer_part(given.parameter);
    bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    json_t *value = nullptr;
    if (!field.is_repeated() && is_message) {
        if (const FieldDescriptor *inner = wrapped(*field.message_type())) return read_text(*inner, given, fault);
    }
    if (field.is_repeated() || (is_message && !is_text_message(*field.message_type()))) {
        json_error_t error;
        value = json_loadb(given.text.data(), given.text.size(),
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        const char *form = field.is_map() || !field.is_repeated() ? "a JSON value such as {\"a\": 1}" : "a JSON array such as [1, 2]";
        if (value == nullptr) wrong(fault, given.parameter + ": " + form + " is wanted" + (given.is_secret ? "" : std::string(": ") + error.text), pointer);
        return value;
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
        if (given.text != "true" && given.text != "false") {
            wrong(fault, given.parameter + ": true or false is wanted", pointer);
            return nullptr;
        }
        return json_boolean(given.text == "true");
    }
    // Numbers too: protobuf's JSON reads them from a text, all 64 bits, and says what is wrong with it.
    value = plain_text(given.text);
    if (value == nullptr) wrong(fault, given.parameter + ": the value is not UTF-8", pointer);
    return value;
}

bool set_field(json_t *object, const Descriptor &type, const std::string &path, const Field &given, Fault &fault) {
    size_t dot = path.find('.');
    std::string name = path.substr(0, dot);
    const FieldDescriptor *field = find(type, name);
    if (field == nullptr) {
        std::vector<std::string> names = names_of(type);
        if (path == given.path) names.insert(names.end(), parameter_names.begin(), parameter_names.end());
        return unknown(fault, type, name, names, pointer_part(given.parameter));
    }
    json_t *there = json_object_get(object, field->json_name().c_str());
    if (dot == std::string::npos) {
        if (there != nullptr) return wrong(fault, given.parameter + ": it is given twice", pointer_part(given.parameter));
        json_t *value = read_text(*field, given, fault);
        return value != nullptr && json_object_set_new(object, field->json_name().c_str(), value) == 0;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_repeated()) {
        return wrong(fault, given.parameter + ": " + name + " is no message", pointer_part(given.parameter));
    }
    if (there == nullptr) {
        there = json_object();
        json_object_set_new(object, field->json_name().c_str(), there);
    }
    if (!json_is_object(there)) {
        return wrong(fault, given.parameter + ": " + name + " is given twice", pointer_part(given.parameter));
    }
    return set_field(there, *field->message_type(), path.substr(dot + 1), given, fault);
}

bool check_field(const json_t *value, const FieldDescriptor &field, const std::string &pointer, Fault &fault) {
    const char *key;
    json_t *item;
    if (field.is_map()) {
        const FieldDescriptor &inner = *field.message_type()->map_value();
        json_object_foreach(const_cast<json_t *>(value), key, item) {
            if (inner.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                !fields_check(item, *inner.message_type(), pointer + pointer_part(key), fault)) {
                return false;
            }
        }
        return true;
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return true;
    if (!field.is_repeated()) return fields_check(value, *field.message_type(), pointer, fault);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!fields_check(json_array_get(value, i), *field.message_type(), pointer + "/" + std::to_string(i), fault)) return false;
    }
    return true;
}

} // namespace

bool fields_check(const json_t *value, const Descriptor &type, const std::string &pointer, Fault &fault) {
    const char *key;
    json_t *item;
    if (type.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) return true; // JSON has a form of their own for them
    json_object_foreach(const_cast<json_t *>(value), key, item) {
        const FieldDescriptor *field = find(type, key);
        std::string at = pointer + pointer_part(key);
        if (field == nullptr) return unknown(fault, type, key, names_of(type), at);
        if (!check_field(item, *field, at, fault)) return false;
    }
    return true;
}

bool fields_build(json_t *&object, const Descriptor &type, const std::vector<Field> &fields, Fault &fault) {
    object = json_object();
    for (const Field &field : fields) {
        // One call for each of its parts.
        bool is_deep = std::count(field.path.begin(), field.path.end(), '.') >= 64;
        if (is_deep) wrong(fault, "a parameter names a field that is more than 64 messages deep", "");
        if (!is_deep && set_field(object, type, field.path, field, fault)) continue;
        fields_wipe(object);
        json_decref(object);
        object = nullptr;
        return false;
    }
    return true;
}

void fields_wipe(json_t *value) {
    const char *key;
    json_t *item;
    if (json_is_string(value)) {
        // The bytes are the value's own; jansson gives no other way to overwrite them.
        explicit_bzero(const_cast<char *>(json_string_value(value)), json_string_length(value));
    }
    json_object_foreach(value, key, item) fields_wipe(item);
    for (size_t i = 0; i < json_array_size(value); i++) fields_wipe(json_array_get(value, i));
}

} // namespace spindle_grpc
