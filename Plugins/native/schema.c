/* What the host is told about the configuration, the parameters and the output. */
#include "config.h"

#define NOTE \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" \
    "\"unit\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"}," \
    "\"minimum\":{\"type\":\"number\"},\"maximum\":{\"type\":\"number\"},\"default\":{}}}"

const char config_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{"
    "\"libraries\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1},\"default\":[],"
    "\"description\":\"libraries of which jobs may call every function, by name or absolute path\"},"
    "\"maxBytes\":{\"type\":\"integer\",\"minimum\":4096,\"maximum\":1073741824,\"default\":16777216,"
    "\"description\":\"memory of the arguments and results of a job\"},"
    "\"functions\":{\"type\":\"object\",\"default\":{},\"description\":\"functions that jobs may call by name\","
    "\"additionalProperties\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"library\",\"signature\"],"
    "\"properties\":{"
    "\"library\":{\"type\":\"string\",\"minLength\":1},"
    "\"symbol\":{\"type\":\"string\",\"minLength\":1,\"description\":\"the name in the library; else the function's name\"},"
    "\"signature\":{\"type\":\"string\",\"minLength\":1},"
    "\"description\":{\"type\":\"string\"},"
    "\"parameters\":{\"type\":\"object\",\"additionalProperties\":" NOTE "},"
    "\"result\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"unit\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"}}},"
    "\"fails\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"when\"],"
    "\"properties\":{\"when\":{\"type\":\"string\"},\"errno\":{\"type\":\"boolean\",\"default\":false},"
    "\"outcome\":{\"enum\":[\"retryable\",\"permanent\"]}}}]}}}}}}";

const char parameters_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"additionalProperties\":true,"
    "\"patternProperties\":{\"^[Aa]rg(0|[1-9][0-9]?)$\":{\"type\":\"string\"}},"
    "\"properties\":{"
    "\"args\":{\"type\":[\"array\",\"object\"],\"description\":\"the arguments in order, or by the names of the signature\"},"
    "\"Output\":{\"type\":\"string\",\"pattern\":\"^(json|result|out[0-9]{1,2})$\",\"default\":\"json\","
    "\"description\":\"json: everything; result or outN: that value alone, bytes as they are\"},"
    "\"Fails\":{\"type\":\"string\",\"description\":\"which results mean failure, such as < 0, errno\"}}}";

const char output_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"properties\":{"
    "\"result\":{},"
    "\"out\":{\"type\":\"array\",\"description\":\"what the function wrote, in the order of the signature\"},"
    "\"errno\":{\"type\":\"integer\"},"
    "\"collected\":{\"type\":\"array\",\"description\":\"for each collect callback the arguments of its calls\"},"
    "\"calls\":{\"type\":\"array\",\"description\":\"of a list of calls: the results in order\"}}}";
