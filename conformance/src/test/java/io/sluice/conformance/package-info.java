// SPDX-License-Identifier: Apache-2.0
@NullMarked
package io.sluice.conformance;

import org.jspecify.annotations.NullMarked;
