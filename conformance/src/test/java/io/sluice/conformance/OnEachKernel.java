// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A test of the {@code Kernel} signatures: takes one {@link Rig} and runs once on each kernel there is. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@MethodSource("io.sluice.conformance.Rig#onEachKernel")
@interface OnEachKernel {}
