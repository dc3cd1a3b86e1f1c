// Spindle
