#pragma once

// Every symbol is hidden by default (gnu_symbol_visibility); this marks the public ones.
#define FMPN_API __attribute__((visibility("default")))
