/* The plugin's part of the extension spindle.trigger/1. */
#ifndef SPINDLE_RABBITMQ_TRIGGER_H
#define SPINDLE_RABBITMQ_TRIGGER_H

/* For the factory. */
const void *trigger_extension(const char *id);

#endif
