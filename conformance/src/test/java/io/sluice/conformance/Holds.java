// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The catalogue ids that a test holds a kernel to. {@link CatalogueTest} collects them. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@interface Holds {
    /** Ids such as {@code A02}. */
    String[] value();
}
