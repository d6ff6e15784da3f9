import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Asks every question of java.sql.DatabaseMetaData, and prints the answers: "NAME(ARGUMENTS)" and a line for each row. What
 * fails is printed with its SQLSTATE.
 */
final class MetaData {
  private static final String[] RELATIONS = {"person", "visit", "people", "clinic", "special", "counted"};

  private static final Map<String, List<Object[]>> QUESTIONS = new TreeMap<>();

  static {
    for (String schema : new String[] {"gallery", "hospital", null}) {
      for (String[] types : new String[][] {null, {"TABLE", "VIEW"}, {"MATERIALIZED VIEW", "PARTITIONED TABLE", "SEQUENCE"}}) {
        ask("getTables", null, schema, "%", types);
      }
      ask("getColumns", null, schema, "%", "%");
      ask("getProcedures", null, schema, "%");
      ask("getProcedureColumns", null, schema, "%", "%");
      ask("getUDTs", null, schema, "%", null);
      ask("getTablePrivileges", null, schema, "%");
      ask("getSchemas", null, schema);
      if (schema == null) continue;
      ask("getFunctions", null, schema, "%");
      ask("getFunctionColumns", null, schema, "%", "%");
      ask("getPseudoColumns", null, schema, "%", "%");
      ask("getSuperTypes", null, schema, "%");
      ask("getSuperTables", null, schema, "%");
      ask("getAttributes", null, schema, "%", "%");
    }
    for (String name : RELATIONS) {
      ask("getColumnPrivileges", null, "gallery", name, "%");
      ask("getBestRowIdentifier", null, "gallery", name, DatabaseMetaData.bestRowSession, true);
      ask("getVersionColumns", null, "gallery", name);
      ask("getPrimaryKeys", null, "gallery", name);
      ask("getImportedKeys", null, "gallery", name);
      ask("getExportedKeys", null, "gallery", name);
      ask("getIndexInfo", null, "gallery", name, false, true);
      ask("getIndexInfo", null, "gallery", name, true, false);
    }
    ask("getCrossReference", null, "gallery", "clinic", null, "gallery", "person");
    ask("getCrossReference", null, "hospital", "patients", null, "hospital", "encounters");
  }

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", System.getenv("PGUSER"));
    properties.setProperty("password", System.getenv("PGPASSWORD"));
    properties.setProperty("sslmode", "disable");
    String place = System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
    try (Connection connection = DriverManager.getConnection("jdbc:postgresql://" + place, properties)) {
      DatabaseMetaData metaData = connection.getMetaData();
      Method[] methods = DatabaseMetaData.class.getMethods();
      Arrays.sort(methods, Comparator.comparing(Method::toString));
      for (Method method : methods) {
        if (List.of("getURL", "getUserName", "getConnection").contains(method.getName())) continue;
        if (method.getParameterCount() == 0) answer(metaData, method);
        for (Object[] values : QUESTIONS.getOrDefault(method.getName(), List.of())) {
          if (method.getParameterCount() == values.length) answer(metaData, method, values);
        }
      }
      for (String name : RELATIONS) describe(connection, "SELECT * FROM gallery." + name);
      describe(connection, "SELECT id, code AS other, 1 + id FROM gallery.clinic WHERE id = ?");
    }
  }

  private static void ask(String method, Object... arguments) {
    QUESTIONS.computeIfAbsent(method, key -> new java.util.ArrayList<>()).add(arguments);
  }

  private static void answer(DatabaseMetaData metaData, Method method, Object... arguments) throws Exception {
    System.out.println("@@ " + method.getName() + Arrays.deepToString(arguments));
    try {
      Object result = method.invoke(metaData, arguments);
      if (result instanceof ResultSet rows) print(rows);
      else System.out.println(result);
    } catch (InvocationTargetException error) {
      Throwable cause = error.getCause();
      System.out.println(cause instanceof SQLException failed ? "error " + failed.getSQLState() : cause.toString());
    }
  }

  private static void print(ResultSet rows) throws SQLException {
    try (rows) {
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        StringBuilder line = new StringBuilder();
        for (int column = 1; column <= columns; column++) line.append(rows.getString(column)).append('|');
        System.out.println(line);
      }
    }
  }

  /** What a driver says of the columns of a result; it asks the catalogs for names and whether they can be NULL. */
  private static void describe(Connection connection, String sql) throws SQLException {
    System.out.println("@@ " + sql);
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      ResultSetMetaData columns = statement.getMetaData();
      for (int column = 1; column <= columns.getColumnCount(); column++) {
        System.out.printf(
            "%s|%s|%s|%s|%d|%b|%s%n",
            columns.getColumnLabel(column),
            columns.getColumnName(column),
            columns.getTableName(column),
            columns.getColumnTypeName(column),
            columns.isNullable(column),
            columns.isAutoIncrement(column),
            columns.getColumnClassName(column));
      }
      System.out.println(statement.getParameterMetaData().getParameterCount());
    } catch (SQLException error) {
      System.out.println("error " + error.getSQLState());
    }
  }
}
