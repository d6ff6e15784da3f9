/**
 * What database tools ask that have no program of their own to run here: browsers such as pgAdmin and DBeaver, and .NET's driver
 * when it loads types. Written after what they need to know, not after their texts.
 */
export const CATALOG_QUERIES: Readonly<Record<string, string>> = {
  'databases with sizes and rights': `
    SELECT d.oid, d.datname, d.dattablespace, pg_encoding_to_char(d.encoding), shobj_description(d.oid, 'pg_database'),
      has_database_privilege(d.oid, 'CREATE'), d.datacl, pg_get_userbyid(d.datdba), d.datconnlimit
    FROM pg_database d WHERE NOT d.datistemplate AND d.datallowconn ORDER BY d.datname`,
  'schemas with descriptions': `
    SELECT n.oid, n.*, d.description FROM pg_catalog.pg_namespace n
    LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass
    WHERE n.nspname !~ '^pg_(temp|toast)' ORDER BY n.nspname`,
  'relations of a schema': `
    SELECT c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound,
      pg_catalog.pg_get_partkeydef(c.oid) AS key, e.relname AS toast
    FROM pg_catalog.pg_class c
    LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
    LEFT JOIN pg_class e ON e.oid = c.reltoastrelid
    WHERE c.relnamespace = 'gallery'::regnamespace AND c.relkind NOT IN ('i', 'I', 'c') ORDER BY c.relname`,
  'columns with types, defaults and keys': `
    SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) AS def_value, dsc.description, dep.objid,
      format_type(t.oid, a.atttypmod) AS shown, et.typname AS element, coll.collname,
      EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)) AS is_key,
      CASE WHEN length(coll.collname) > 0 THEN concat(quote_ident(cn.nspname), '.', quote_ident(coll.collname)) ELSE '' END,
      CASE WHEN strpos(format_type(t.oid, NULL), '.') > 0 THEN split_part(format_type(t.oid, NULL), '.', 2) END,
      (SELECT count(1) FROM pg_type o WHERE o.typname = t.typname) > 1 AS is_ambiguous
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type et ON et.oid = t.typelem
    LEFT JOIN pg_collation coll ON coll.oid = a.attcollation
    LEFT JOIN pg_namespace cn ON cn.oid = coll.collnamespace
    LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum
    LEFT OUTER JOIN pg_catalog.pg_description dsc ON c.oid = dsc.objoid AND a.attnum = dsc.objsubid
    LEFT OUTER JOIN pg_depend dep ON dep.refobjid = a.attrelid AND dep.deptype = 'i' AND dep.refobjsubid = a.attnum
      AND dep.classid = dep.refclassid
    WHERE NOT a.attisdropped AND c.relnamespace = 'gallery'::regnamespace AND a.attnum > 0 ORDER BY c.relname, a.attnum`,
  constraints: `
    SELECT c.oid, c.*, t.relname AS tabrelname, rt.relnamespace AS refnamespace, d.description,
      CASE WHEN c.contype IN ('c', 'x') THEN pg_catalog.pg_get_constraintdef(c.oid) END AS text
    FROM pg_catalog.pg_constraint c
    INNER JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
    LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid = c.confrelid
    LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_constraint'::regclass
    WHERE t.relnamespace = 'gallery'::regnamespace ORDER BY c.oid`,
  'columns of foreign keys, by position': `
    SELECT con.conname, con.conrelid::regclass::text, att.attname, ref.attname, x.position
    FROM pg_constraint con
    CROSS JOIN LATERAL unnest(con.conkey, con.confkey) WITH ORDINALITY AS x(own, other, position)
    JOIN pg_attribute att ON att.attrelid = con.conrelid AND att.attnum = x.own
    JOIN pg_attribute ref ON ref.attrelid = con.confrelid AND ref.attnum = x.other
    WHERE con.contype = 'f' ORDER BY 2, 1, 5`,
  indexes: `
    SELECT i.*, i.indkey AS keys, c.relname, c.relnamespace, c.relam, c.reltablespace, tc.relname AS tabrelname, dsc.description,
      pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS pred_expr, pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) AS expr,
      (SELECT array_agg(pg_get_indexdef(i.indexrelid, n, true) ORDER BY n) FROM generate_series(1, i.indnatts) n) AS parts,
      pg_relation_size(i.indexrelid) AS size
    FROM pg_catalog.pg_index i
    INNER JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    INNER JOIN pg_catalog.pg_class tc ON tc.oid = i.indrelid
    LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid = dsc.objoid
    WHERE tc.relnamespace = 'gallery'::regnamespace ORDER BY c.relname`,
  'routines with arguments': `
    SELECT p.oid, p.*, pg_catalog.pg_get_expr(p.proargdefaults, 0) AS defaults, l.lanname, d.description,
      pg_get_function_arguments(p.oid), pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid),
      array_to_string(ARRAY(SELECT format_type(u, NULL) FROM unnest(p.proargtypes) u), ', ') AS types,
      CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS source
    FROM pg_catalog.pg_proc p
    JOIN pg_language l ON l.oid = p.prolang
    LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
    WHERE p.pronamespace = 'gallery'::regnamespace ORDER BY p.proname, p.oid`,
  'triggers, rules and policies': `
    SELECT 'trigger' AS kind, t.tgname::text AS name, pg_get_triggerdef(t.oid, true) AS text FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relnamespace = 'gallery'::regnamespace
    UNION ALL SELECT 'rule', r.rulename::text, pg_get_ruledef(r.oid, true) FROM pg_rewrite r
      JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = 'gallery'::regnamespace
    UNION ALL SELECT 'policy', p.polname::text, pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p
    ORDER BY 1, 2`,
  'definitions of views': `
    SELECT c.oid, c.relname, pg_get_viewdef(c.oid, true), array_to_string(c.reloptions, ',') FROM pg_class c
    WHERE c.relkind IN ('v', 'm') AND c.relnamespace = 'gallery'::regnamespace ORDER BY 2`,
  'types to load, arrays and ranges after what they are made of': `
    SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid
    FROM (
      SELECT typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind,
        elem.oid AS elemtypoid, elem.typname AS elemtypname, cls.relkind AS elemrelkind,
        CASE WHEN elem.typtype IS NULL THEN typ.typtype ELSE elem.typtype END AS elemtyptype
      FROM (
        SELECT y.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid,
          CASE WHEN proc.proname = 'array_recv' THEN 'a' ELSE typtype END AS typtype,
          CASE WHEN proc.proname = 'array_recv' THEN typelem WHEN typtype = 'r' THEN rngsubtype
            WHEN typtype = 'm' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = y.oid)
            WHEN typtype = 'd' THEN typbasetype END AS elemtypoid
        FROM pg_type AS y
        LEFT JOIN pg_class AS cls ON cls.oid = y.typrelid
        LEFT JOIN pg_proc AS proc ON proc.oid = y.typreceive
        LEFT JOIN pg_range ON pg_range.rngtypid = y.oid
      ) AS typ
      LEFT JOIN pg_type AS elem ON elem.oid = elemtypoid
      LEFT JOIN pg_class AS cls ON cls.oid = elem.typrelid
    ) AS t
    JOIN pg_namespace AS ns ON ns.oid = typnamespace
    WHERE typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind = 'c')
      OR (typtype = 'p' AND typname IN ('record', 'void', 'unknown'))
      OR (typtype = 'a' AND (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR (elemtyptype = 'c' AND elemrelkind = 'c')))
    ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'c' THEN 1 ELSE 2 END, t.oid`,
  'fields of composite types': `
    SELECT typ.oid, att.attname, att.atttypid FROM pg_type AS typ
    JOIN pg_namespace AS ns ON ns.oid = typ.typnamespace
    JOIN pg_class AS cls ON cls.oid = typ.typrelid
    JOIN pg_attribute AS att ON att.attrelid = typ.typrelid
    WHERE typ.typtype = 'c' AND cls.relkind = 'c' AND att.attnum > 0 AND NOT att.attisdropped ORDER BY typ.oid, att.attnum`,
  'labels of enumerations': `
    SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY oid, enumsortorder`,
  'what depends on a table': `
    SELECT dep.deptype, dep.classid, cl.relkind, coalesce(coalesce(cl.relname, co.conname), pr.proname)::text AS name
    FROM pg_depend dep
    LEFT JOIN pg_class cl ON dep.objid = cl.oid
    LEFT JOIN pg_constraint co ON dep.objid = co.oid
    LEFT JOIN pg_proc pr ON dep.objid = pr.oid
    WHERE dep.refobjid = 'gallery.person'::regclass ORDER BY 1, 2, 3, 4`,
  'roles and memberships': `
    SELECT r.rolname, r.rolsuper, r.rolcanlogin, r.rolconnlimit, r.rolvaliduntil,
      ARRAY(SELECT b.rolname FROM pg_auth_members m JOIN pg_roles b ON m.roleid = b.oid WHERE m.member = r.oid) AS memberof
    FROM pg_roles r ORDER BY 1`,
  rights: `
    SELECT c.relname, acl.grantee::regrole::text, acl.privilege_type, acl.is_grantable
    FROM pg_class c, LATERAL aclexplode(c.relacl) acl WHERE c.relnamespace = 'gallery'::regnamespace AND acl.grantee <> 0
    ORDER BY 1, 2, 3`,
  sequences: `
    SELECT c.relname, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle, format_type(s.seqtypid, NULL),
      pg_get_serial_sequence('gallery.person', 'id')
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid ORDER BY c.relnamespace::regnamespace::text, 1`,
  'extended statistics': `
    SELECT stxname, stxrelid::regclass::text, stxkeys, stxkind, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext`,
  'extensions and languages': `
    SELECT x.extname, x.extversion, n.nspname, a.default_version FROM pg_extension x
    JOIN pg_namespace n ON n.oid = x.extnamespace LEFT JOIN pg_available_extensions a ON a.name = x.extname ORDER BY 1`,
  'settings of the session': `
    SELECT name, setting, unit, category, vartype, enumvals FROM pg_settings
    WHERE name IN ('server_version', 'search_path', 'standard_conforming_strings', 'bytea_output', 'TimeZone') ORDER BY 1`,
  keywords: `SELECT word, catcode FROM pg_get_keywords() ORDER BY 1`,
  'who and where': `
    SELECT current_database(), current_schema(), current_schemas(true), version(), pg_is_in_recovery(),
      current_setting('server_version_num'), pg_encoding_to_char(6)`,
  'standard views': `
    SELECT c.table_name, c.column_name, c.ordinal_position, c.column_default, c.is_nullable, c.data_type, c.udt_name, c.is_identity,
      c.is_generated, k.constraint_name
    FROM information_schema.columns c
    LEFT JOIN information_schema.key_column_usage k USING (table_schema, table_name, column_name)
    WHERE c.table_schema = 'gallery' ORDER BY 1, 3, 10`,
  'standard views of keys': `
    SELECT r.constraint_name, r.update_rule, r.delete_rule, c.check_clause, t.constraint_type
    FROM information_schema.table_constraints t
    LEFT JOIN information_schema.referential_constraints r USING (constraint_schema, constraint_name)
    LEFT JOIN information_schema.check_constraints c USING (constraint_schema, constraint_name)
    WHERE t.table_schema = 'gallery' ORDER BY t.constraint_name`,
}
